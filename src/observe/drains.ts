import { atOnce } from '../at-once.ts';
import type { Cluster, PodFact } from '../cluster/cluster.ts';
import { needsEviction } from '../cluster/pod-in-drain.ts';
import type { DrainFact } from '../facts/facts.ts';
import { controlPlanes, type Nodes, workers } from '../facts/nodes.ts';

/** More than a person reads; a list of all pods of a cluster would be read for them otherwise. */
const MOST_NODES = 100;
const AT_ONCE = 10;

/** What a drain would evict of each node now, of the first hundred nodes in their order. */
export async function observeDrains(
  { pods }: Pick<Cluster, 'pods'>,
  nodes: Nodes,
  signal: AbortSignal,
): Promise<readonly DrainFact[]> {
  const first = [...controlPlanes(nodes), ...workers(nodes)].slice(0, MOST_NODES);
  return await atOnce(first, AT_ONCE, async ({ name }) => drainOf(name, await pods({ node: name }, signal)));
}

/** Counted by namespace. Pure. */
function drainOf(node: string, pods: readonly PodFact[]): DrainFact {
  const byNamespace = Map.groupBy(pods.filter(needsEviction), ({ namespace }) => namespace);
  const counts = [...byNamespace].map(([namespace, own]) => [namespace, own.length] as const);
  return { node, evicts: Object.fromEntries(counts.toSorted(([a], [b]) => a.localeCompare(b, 'en'))) };
}
