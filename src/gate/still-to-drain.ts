import type { Facts } from '../facts/facts.ts';
import { hasTargetVersion } from '../facts/nodes.ts';

/** Whether a run to the target drains a node of that name. Of nodes that are not known, each might be one. */
export function stillToDrain({ nodes }: Pick<Facts, 'nodes'>, target: string): (name: string) => boolean {
  if (!nodes.known) return () => true;
  const due = new Set(nodes.value.filter((node) => !hasTargetVersion(node, target)).map(({ name }) => name));
  return (name) => due.has(name);
}
