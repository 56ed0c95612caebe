import { atOnce } from '../at-once.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { NodeFact, NodeOutline } from '../facts/node-fact.ts';

/** More than so many are quicker listed than asked for one by one. */
const FEW = 40;
const AT_ONCE = 10;

/**
 * Our nodes of which `is` is true, found by their outlines and confirmed by the nodes themselves: an outline may be of a node
 * that is not ours, and it is older.
 */
export async function suchNodes(
  cluster: Pick<Cluster, 'outlines' | 'node' | 'nodes'>,
  is: (node: NodeOutline) => boolean,
  signal: AbortSignal,
): Promise<readonly NodeFact[]> {
  const suspects = (await cluster.outlines(signal)).filter(is);
  if (suspects.length > FEW) return (await cluster.nodes(signal)).filter(is);
  const found = await atOnce(suspects, AT_ONCE, ({ name }) => cluster.node(name, signal));
  return found.filter((node) => node !== undefined).filter(is);
}
