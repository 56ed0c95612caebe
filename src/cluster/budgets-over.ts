import type { Budget, PodFact } from './cluster.ts';
import { selects } from './label-selector.ts';

/** Names of the budgets that are for a pod. */
export function budgetsOver(pod: Pick<PodFact, 'namespace' | 'labels'>, budgets: readonly Budget[]): readonly string[] {
  return budgets
    .filter(({ namespace, selector }) => namespace === pod.namespace && selects(selector, pod.labels))
    .map(({ name }) => name)
    .toSorted();
}
