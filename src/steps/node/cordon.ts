import type { ActionStep, Context } from '../../chain/phase.ts';
import { isMarked } from '../../facts/nodes.ts';

/** Takes back the cordon and the marks that Nightlift made and what it wrote about the drain, and only that: a person's stay (D08). */
export async function undoCordon(context: Context): Promise<void> {
  const node = await context.node();
  await context.deps.cluster.uncordon(node.name, context.signal);
  if (node.cordonedBy !== null) context.deps.log.info('uncordoned', { node: node.name });
}

export const uncordon: ActionStep = {
  name: 'uncordon',
  summary: 'lift the cordon that Nightlift made, and its marks',
  critical: true,
  async isDone(context) {
    const node = await context.node();
    return node.cordonedBy === null && !isMarked(node);
  },
  run: undoCordon,
};
