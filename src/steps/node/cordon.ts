import type { ActionStep, Context } from '../../chain/phase.ts';

/** Takes back the cordon that Nightlift made and what it wrote about the drain, and only that: a person's cordon stays (D08). */
export async function undoCordon(context: Context): Promise<void> {
  const node = await context.node();
  await context.deps.cluster.uncordon(node.name, context.signal);
  if (node.cordonedBy !== null) context.deps.log.info('uncordoned', { node: node.name });
}

export const uncordon: ActionStep = {
  name: 'uncordon',
  summary: 'lift the cordon that Nightlift made',
  critical: true,
  isDone: async (context) => (await context.node()).cordonedBy === null,
  run: undoCordon,
};
