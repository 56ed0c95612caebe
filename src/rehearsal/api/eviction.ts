import { checkPreconditions, type DeleteOptions } from './deletion.ts';
import type { Pod, PodDisruptionBudget } from './kinds.ts';
import { timestamp } from './object-changes.ts';
import { podDisruptionBudgets, pods } from './resources.ts';
import { matchesSelector } from './selector.ts';
import { forbidden, type Status, StatusError, success } from './status-error.ts';
import type { Store } from './store.ts';

const CANNOT_EVICT = "Cannot evict pod as it would violate the pod's disruption budget.";
const TWO_BUDGETS = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';

/** The eviction subresource, after `pkg/registry/core/pod/storage/eviction.go`. */
export function evict(store: Store, name: string, namespace: string, options: DeleteOptions): Status {
  const pod = store.read(pods, name, namespace);
  checkPreconditions(pods, pod, options);
  if (!isBudgetFree(pod)) {
    const budgets = store
      .list(podDisruptionBudgets, { namespace })
      .filter((budget) => matchesSelector(budget.spec.selector, pod.metadata.labels));
    if (budgets.length > 1) throw new StatusError(500, '', TWO_BUDGETS);
    const budget = budgets[0];
    if (budget !== undefined) consume(store, budget, pod, options);
  }
  if (options.dryRun === true) return success();
  markDisrupted(store, pod);
  store.delete(pods, name, namespace, options);
  return success();
}

/** Pods that do not count for a budget are deleted whatever it says. */
function isBudgetFree(pod: Pod): boolean {
  const phase = pod.status.phase;
  return (
    phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined
  );
}

function consume(store: Store, budget: PodDisruptionBudget, pod: Pod, options: DeleteOptions): void {
  const { status, metadata, spec } = budget;
  const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = status;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 1)) throw stillProcessed(metadata.name);
  if (!isReady(pod)) {
    if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return;
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return;
  }
  if (disruptionsAllowed < 0)
    throw forbidden(podDisruptionBudgets, metadata.name, 'pdb disruptions allowed is negative');
  if (disruptionsAllowed === 0) throw wouldViolate(budget);
  if (options.dryRun === true) return;
  store.modify(podDisruptionBudgets, metadata.name, metadata.namespace, (draft) => {
    draft.status.disruptionsAllowed = disruptionsAllowed - 1;
    draft.status.disruptedPods = { ...draft.status.disruptedPods, [pod.metadata.name]: timestamp(store.now()) };
  });
}

function wouldViolate({ metadata, status }: PodDisruptionBudget): StatusError {
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  const failed = status.conditions?.find(({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed');
  const lack = `needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  const no = 'does not allow evicting pods currently';
  const why =
    failed === undefined
      ? currentHealthy <= desiredHealthy
        ? lack
        : no
      : `${no} because it failed sync: ${failed.message}`;
  const causes = [{ reason: 'DisruptionBudget', message: `The disruption budget ${metadata.name} ${why}` }];
  return new StatusError(429, 'TooManyRequests', CANNOT_EVICT, { causes });
}

function stillProcessed(budget: string): StatusError {
  const message = `The disruption budget ${budget} is still being processed by the server.`;
  const causes = [{ reason: 'DisruptionBudget', message }];
  return new StatusError(429, 'TooManyRequests', CANNOT_EVICT, { causes, retryAfterSeconds: 10 });
}

function markDisrupted(store: Store, pod: Pod): void {
  const { name, namespace, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return;
  store.modify(pods, name, namespace, (draft) => {
    const others = (draft.status.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
    const lastTransitionTime = timestamp(store.now());
    const cause = { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting', lastTransitionTime };
    draft.status.conditions = [...others, { type: 'DisruptionTarget', status: 'True', ...cause }];
  });
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}
