import type { Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { hasTargetVersion } from '../facts/nodes.ts';
import { type DrainRule, whyDrained } from './drain-rule.ts';

/** Whether a run to the target drains no node at all: then nothing that only serves a drain is asked. */
export function drainsNone(facts: Pick<Facts, 'nodes'>, target: string, rule: DrainRule): boolean {
  const isDue = stillToDrain(facts, target, rule);
  return facts.nodes.known && !facts.nodes.value.some(({ name }) => isDue(name));
}

/** Whether a run to the target drains a node of that name. Of nodes that are not known, each might be one. */
export function stillToDrain(
  { nodes }: Pick<Facts, 'nodes'>,
  target: string,
  rule: DrainRule,
): (name: string) => boolean {
  if (!nodes.known) return () => true;
  const all = nodes.value;
  const isDue = (node: NodeFact): boolean =>
    !hasTargetVersion(node, target) && whyDrained(node, all, target, rule) !== undefined;
  const due = new Set(all.filter(isDue).map(({ name }) => name));
  return (name) => due.has(name);
}
