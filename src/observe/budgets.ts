import { atOnce } from '../at-once.ts';
import type { Budget, Cluster, PodFact } from '../cluster/cluster.ts';
import { isForbidden } from '../cluster/kube-error.ts';
import { selects } from '../cluster/label-selector.ts';
import { needsEviction } from '../cluster/pod-in-drain.ts';
import { reasonOf } from '../errors.ts';
import type { BudgetFact } from '../facts/facts.ts';
import { known, type Observed, unknown } from '../observed.ts';

/** So many evictions are tried at a time. */
const AT_ONCE = 10;

/**
 * The budgets that can stand in the way of a drain, with the nodes on which they do, and what the API server would say to
 * evictions: that alone counts all of a budget. Pods are listed only when there are such budgets, and two of each are tried.
 */
export async function observeBudgets(
  cluster: Pick<Cluster, 'budgets' | 'pods' | 'tryEviction'>,
  signal: AbortSignal,
): Promise<readonly BudgetFact[]> {
  const budgets = await cluster.budgets(signal);
  const perNamespace = Map.groupBy(budgets, ({ namespace }) => namespace);
  const suspects = budgets.filter(
    (budget) => budget.disruptionsAllowed <= 0 || (perNamespace.get(budget.namespace)?.length ?? 0) > 1,
  );
  if (suspects.length === 0) return [];
  const pods = (await cluster.pods({}, signal)).filter(needsEviction);
  const inTheWay = budgetsInTheWay(suspects, pods);
  return await atOnce(inTheWay, AT_ONCE, async ({ fact, covered }) => ({
    ...fact,
    refusal: await refusalOf(cluster, covered, signal),
  }));
}

interface InTheWay {
  readonly fact: BudgetFact;
  readonly covered: readonly PodFact[];
}

/** `pods`: those that a drain of their node would evict. */
function budgetsInTheWay(budgets: readonly Budget[], pods: readonly PodFact[]): readonly InTheWay[] {
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
    return [{ fact: { ...budget, nodes, overlaps }, covered }];
  });
}

/** A pod that is Ready and one that is not: by `unhealthyPodEvictionPolicy` they may be answered differently. */
async function refusalOf(
  cluster: Pick<Cluster, 'tryEviction'>,
  covered: readonly PodFact[],
  signal: AbortSignal,
): Promise<Observed<string | null>> {
  const samples = [covered.find(({ ready }) => ready), covered.find(({ ready }) => !ready)];
  for (const pod of samples) {
    if (pod === undefined) continue;
    try {
      const result = await cluster.tryEviction(pod, signal);
      if (result.kind === 'blocked' || result.kind === 'impossible') return known(result.message);
      if (result.kind === 'busy') return unknown(result.message);
    } catch (error) {
      // A webhook that says no, or an account that may only look: the numbers of the budget are still there.
      if (!isForbidden(error)) throw error;
      return unknown(reasonOf(error));
    }
  }
  return known(null);
}
