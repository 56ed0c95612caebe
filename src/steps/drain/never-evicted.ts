import type { Budget, PodFact } from '../../cluster/cluster.ts';

/** Why a budget lets no pod go whatever becomes of its pods; undefined for one that may, or that is not known. */
export function whyNever(budget: Budget | undefined): string | undefined {
  if (budget === undefined || budget.disruptionsAllowed > 0) return undefined;
  if (budget.syncFailed !== undefined)
    return `the disruption controller cannot count the pods of that budget: ${budget.syncFailed}`;
  if (budget.expectedPods === 0 && budget.currentHealthy > 0)
    return 'a percentage or maxUnavailable counts the replicas of owners, and the pods of that budget have none';
  return undefined;
}

/** Their controllers know nothing of nodes that are cordoned. */
const BUILT_IN = ['ReplicaSet', 'StatefulSet', 'ReplicationController', 'Job'];

/**
 * An operator that owns its pods itself can wait for the cordon, or for the eviction, to move what only it may move: the
 * primary of a database, a virtual machine. Its budget wants all of its pods until then.
 */
export function movesWithCordon({ owner }: PodFact, budget: Budget | undefined): boolean {
  if (owner === null || BUILT_IN.includes(owner.kind) || budget === undefined) return false;
  return budget.expectedPods > 0 && budget.currentHealthy >= budget.expectedPods;
}
