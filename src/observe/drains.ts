import type { PodFact } from '../cluster/cluster.ts';
import { needsEviction } from '../cluster/pod-in-drain.ts';
import type { DrainFact } from '../facts/facts.ts';

/** What a drain would evict of each node now, counted by namespace; nodes without any are left out. */
export function drainsOf(pods: readonly PodFact[]): readonly DrainFact[] {
  const byNode = Map.groupBy(pods.filter(needsEviction), ({ node }) => node ?? '');
  return [...byNode]
    .filter(([node]) => node !== '')
    .map(([node, some]) => ({
      node,
      evicts: Object.fromEntries(
        [...Map.groupBy(some, ({ namespace }) => namespace)]
          .map(([namespace, own]) => [namespace, own.length] as const)
          .toSorted(([a], [b]) => a.localeCompare(b, 'en')),
      ),
    }))
    .toSorted((a, b) => a.node.localeCompare(b.node, 'en'));
}
