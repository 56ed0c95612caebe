import { atOnce } from '../at-once.ts';
import type { Budget, Cluster, PodFact } from '../cluster/cluster.ts';
import { isForbidden } from '../cluster/kube-error.ts';
import { excludesEachOther, selectorText, selects } from '../cluster/label-selector.ts';
import { needsEviction } from '../cluster/pod-in-drain.ts';
import { reasonOf } from '../errors.ts';
import type { BudgetFact } from '../facts/facts.ts';
import { known, type Observed, unknown } from '../observed.ts';

/** So many evictions are tried at a time. */
const AT_ONCE = 10;

/** Pods of so many budgets are listed at a time. */
const LISTS_AT_ONCE = 4;

/**
 * The budgets that can stand in the way of a drain, with the nodes on which they do, and what the API server would say to
 * evictions: that alone counts all of a budget. Only the pods of such budgets are listed, and two of each are tried.
 * `isOurs`: whether we drain that node.
 */
export async function observeBudgets(
  cluster: Pick<Cluster, 'budgets' | 'foldPods' | 'tryEviction'>,
  signal: AbortSignal,
  isOurs: (node: string) => boolean = () => true,
): Promise<readonly BudgetFact[]> {
  const perNamespace = Map.groupBy(await cluster.budgets(signal), ({ namespace }) => namespace);
  const suspects = [...perNamespace.values()].flatMap((budgets) =>
    budgets.flatMap((budget) => {
      const others = budgets.filter(
        (other) => other.name !== budget.name && !excludesEachOther(budget.selector, other.selector),
      );
      return budget.disruptionsAllowed <= 0 || others.length > 0 ? [{ budget, others }] : [];
    }),
  );
  const covers = await atOnce(suspects, LISTS_AT_ONCE, (suspect) => coverOf(cluster, suspect, isOurs, signal));
  const inTheWay = suspects.flatMap(({ budget }, index) => {
    const cover = covers[index];
    if (cover === undefined || (budget.disruptionsAllowed > 0 && cover.overlaps.size === 0)) return [];
    return [{ fact: factOf(budget, cover), cover }];
  });
  return await atOnce(inTheWay, AT_ONCE, async ({ fact, cover }) => ({
    ...fact,
    refusal: await refusalOf(cluster, cover, signal),
  }));
}

interface Suspect {
  readonly budget: Budget;
  /** Of its namespace, which may cover pods of it as well. */
  readonly others: readonly Budget[];
}

/** What is kept of the pods of a budget that a drain of their node would evict. */
interface Cover {
  readonly nodes: Set<string>;
  readonly overlaps: Set<string>;
  ready: PodFact | undefined;
  unready: PodFact | undefined;
}

function factOf({ selector, ...numbers }: Budget, { nodes, overlaps }: Cover): BudgetFact {
  // A budget that selects nothing covers nothing, whatever was found.
  const found = selector === null ? [] : [...nodes].toSorted();
  return { ...numbers, nodes: found, overlaps: [...overlaps].toSorted() };
}

async function coverOf(
  cluster: Pick<Cluster, 'foldPods'>,
  { budget, others }: Suspect,
  isOurs: (node: string) => boolean,
  signal: AbortSignal,
): Promise<Cover> {
  const start = (): Cover => ({ nodes: new Set(), overlaps: new Set(), ready: undefined, unready: undefined });
  const { namespace, selector } = budget;
  if (selector === null) return start();
  const labels = selectorText(selector);
  return await cluster.foldPods(
    { namespace, ...(labels === undefined ? {} : { labels }) },
    start,
    (cover, pod) => {
      if (pod.namespace !== namespace || !needsEviction(pod) || !selects(selector, pod.labels)) return;
      if (pod.node === null || !isOurs(pod.node)) return;
      cover.nodes.add(pod.node);
      for (const other of others) if (selects(other.selector, pod.labels)) cover.overlaps.add(other.name);
      if (pod.ready) cover.ready ??= pod;
      else cover.unready ??= pod;
    },
    signal,
  );
}

/** A pod that is Ready and one that is not: by `unhealthyPodEvictionPolicy` they may be answered differently. */
async function refusalOf(
  cluster: Pick<Cluster, 'tryEviction'>,
  { ready, unready }: Cover,
  signal: AbortSignal,
): Promise<Observed<string | null>> {
  for (const pod of [ready, unready]) {
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
