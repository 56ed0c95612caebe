import { drainRule } from '../gate/drain-rule.ts';
import type { Context } from './phase.ts';
import { drainsNode } from './placed-steps.ts';

/** Whether the node of the step keeps its pods: by `drain.mode`, and for a patch alone. */
export async function goesWithoutDrain(context: Context): Promise<boolean> {
  const { deps, signal, target } = context;
  const rule = drainRule(deps.settings);
  if (rule.mode === 'always') return false;
  const node = await context.node();
  // Only a control plane is compared with others.
  const nodes = node.role === 'control-plane' ? await deps.cluster.nodes(signal) : [node];
  return !drainsNode(node, nodes, target, rule);
}

/** For what only serves a drain. */
export async function skipWithoutDrain(context: Context): Promise<string | undefined> {
  return (await goesWithoutDrain(context)) ? 'drain.mode is patch-without: no pod of the node is evicted' : undefined;
}
