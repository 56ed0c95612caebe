import type { ActionStep } from '../../chain/phase.ts';
import { remembersFinished } from '../../settings/rollout.ts';

/**
 * A node shows the new version before its step has ended: what comes after (DaemonSets, restore script, soak) would be
 * left out by the Job that follows one that was killed. The mark says so until the step's very end.
 */
export const begin: ActionStep = {
  name: 'begin',
  summary: 'mark the node as begun',
  isDone: async (context) => (await context.node()).unfinished === context.target,
  run: async (context) =>
    await context.deps.cluster.markUnfinished((await context.node()).name, context.target, context.signal),
};

export const finish: ActionStep = {
  name: 'finish',
  summary: 'take the mark away: the node is finished',
  async run(context) {
    const { cluster, clock, settings } = context.deps;
    const finished = remembersFinished(settings.rollout) ? `${context.target} ${clock.now().toISOString()}` : undefined;
    await cluster.markUnfinished((await context.node()).name, null, context.signal, finished);
  },
};
