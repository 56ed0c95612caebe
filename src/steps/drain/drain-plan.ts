import type { PodFact } from '../../cluster/cluster.ts';
import { toleratesTaint } from '../../cluster/node-admits.ts';
import { isFinished, leavesInDrain } from '../../cluster/pod-in-drain.ts';

export interface DrainRules {
  readonly deleteBarePods: boolean;
  readonly deleteEmptyDir: boolean;
}

export interface DrainProblem {
  readonly kind: 'bare' | 'empty-dir';
  readonly pod: PodFact;
}

export type DrainPlan =
  | { readonly kind: 'evict'; readonly pods: readonly PodFact[] }
  | { readonly kind: 'refused'; readonly problems: readonly DrainProblem[] };

/**
 * Which pods of a node have to go, by the rules of `kubectl drain --ignore-daemonsets` (kubectl `pkg/drain/filters.go`).
 * What is on its way out already is nobody's decision any more.
 */
export function planDrain(pods: readonly PodFact[], rules: DrainRules): DrainPlan {
  const leaving = pods.filter(leavesInDrain);
  const problems = leaving
    .filter((pod) => !isFinished(pod) && !pod.deleting)
    .flatMap((pod): DrainProblem[] => [
      ...(pod.owner === null && !rules.deleteBarePods ? [{ kind: 'bare', pod } as const] : []),
      ...(pod.usesEmptyDir && !rules.deleteEmptyDir ? [{ kind: 'empty-dir', pod } as const] : []),
    ]);
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'evict', pods: leaving };
}

/**
 * A pod that tolerates the cordon can be put back on the node as often as it is evicted. It was asked to go once; the
 * drain does not wait for what comes after it.
 */
export function comesBack(pod: PodFact): boolean {
  return toleratesTaint(pod.placement.tolerations, {
    key: 'node.kubernetes.io/unschedulable',
    effect: 'NoSchedule',
  });
}
