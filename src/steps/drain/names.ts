import type { PodFact } from '../../cluster/cluster.ts';

export function nameOf({ namespace, name }: PodFact): string {
  return `${namespace}/${name}`;
}

/** How a budget is called; the API does not always say which one it was. */
export function budgetName(pod: PodFact, budget: string | null): string {
  return budget === null ? 'its budget' : `budget ${pod.namespace}/${budget}`;
}
