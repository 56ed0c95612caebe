import type { Budget, Cluster, PodFact } from '../cluster/cluster.ts';
import { selects } from '../cluster/label-selector.ts';
import { needsEviction } from '../cluster/pod-in-drain.ts';
import type { BudgetFact } from '../facts/facts.ts';

/** The budgets that can stand in the way of a drain, with the nodes on which they do. Pods are listed only when there are such budgets. */
export async function observeBudgets(
  cluster: Pick<Cluster, 'budgets' | 'pods'>,
  signal: AbortSignal,
): Promise<readonly BudgetFact[]> {
  const budgets = await cluster.budgets(signal);
  const perNamespace = Map.groupBy(budgets, ({ namespace }) => namespace);
  const suspects = budgets.filter(
    (budget) => budget.disruptionsAllowed <= 0 || (perNamespace.get(budget.namespace)?.length ?? 0) > 1,
  );
  if (suspects.length === 0) return [];
  return budgetFacts(suspects, (await cluster.pods({}, signal)).filter(needsEviction));
}

/** Pure. `pods`: those that a drain of their node would evict. */
export function budgetFacts(budgets: readonly Budget[], pods: readonly PodFact[]): readonly BudgetFact[] {
  const podsByNamespace = Map.groupBy(pods, ({ namespace }) => namespace);
  const budgetsByNamespace = Map.groupBy(budgets, ({ namespace }) => namespace);
  return budgets.flatMap(({ selector, ...budget }) => {
    const covered = (podsByNamespace.get(budget.namespace) ?? []).filter(({ labels }) => selects(selector, labels));
    const nodes = [...new Set(covered.flatMap(({ node }) => node ?? []))].toSorted();
    const overlaps = (budgetsByNamespace.get(budget.namespace) ?? [])
      .filter(({ name }) => name !== budget.name)
      .filter((other) => covered.some(({ labels }) => selects(other.selector, labels)))
      .map(({ name }) => name)
      .toSorted();
    if (budget.disruptionsAllowed > 0 && overlaps.length === 0) return [];
    return [{ ...budget, nodes, overlaps }];
  });
}
