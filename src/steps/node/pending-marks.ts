import { atOnce } from '../../at-once.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { skipWithoutDrain } from '../../chain/without-drain.ts';
import { hasTargetVersion, isMarked, isOnTarget, workers } from '../../facts/nodes.ts';
import { drainRule, whyWorkerDrained } from '../../gate/drain-rule.ts';
import { undoCordon } from './cordon.ts';

/** Writes under way at a time. */
export const AT_ONCE = 20;

/** Before the first node goes: what is evicted prefers nodes whose turn is over. */
export const markPending: ActionStep = {
  name: 'mark-pending',
  summary: 'taint the workers that still have to go, so that pods move once',
  skip: ({ deps }) =>
    Promise.resolve(
      deps.settings.drain.markPending.preferNoSchedule ? undefined : 'drain.markPending.preferNoSchedule is off',
    ),
  async run({ deps: { cluster, clock, log, settings }, signal, target }) {
    const rule = drainRule(settings);
    const waiting = workers(await cluster.outlines(signal)).filter(
      (node) =>
        !isOnTarget(node, target) && node.pendingSince === null && whyWorkerDrained(node, target, rule) !== undefined,
    );
    const at = clock.now().toISOString();
    await atOnce(waiting, AT_ONCE, ({ name }) => cluster.mark(name, 'pending', at, signal));
    log.info('tainted the workers that still have to go', { nodes: waiting.length });
  },
  undo: liftMarks,
};

/** Load balancers send nothing more by the time that the first pod goes. The uncordon takes the label away again. */
export const exclude: ActionStep = {
  name: 'exclude',
  summary: 'take the node out of external load balancers',
  skip: async (context) =>
    context.deps.settings.drain.markPending.excludeFromLoadBalancers
      ? await skipWithoutDrain(context)
      : 'drain.markPending.excludeFromLoadBalancers is off',
  longest: ({ drain }) => drain.markPending.loadBalancerSeconds,
  // A node that shows the target is finished, and not drained again.
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run(context) {
    const { deps, signal, waiter } = context;
    const { name } = await context.node();
    await deps.cluster.mark(name, 'excluded', deps.clock.now().toISOString(), signal);
    const since = Date.parse((await context.node()).excludedSince ?? '');
    if (Number.isNaN(since)) {
      deps.log.info('the label was there already, and stays', { node: name });
      return;
    }
    const { loadBalancerSeconds } = deps.settings.drain.markPending;
    const passed = Math.max(0, (deps.clock.now().getTime() - since) / 1000);
    await waiter.pass('load balancers to let the node go', Math.max(0, loadBalancerSeconds - passed), () =>
      Promise.resolve(),
    );
  },
  undo: undoCordon,
};

/** What a run that did not get so far has left; a node under a cordon of ours is put back whole, by whoever lifts that. */
export async function liftMarks({ deps: { cluster, log }, signal }: Pick<Context, 'deps' | 'signal'>): Promise<void> {
  const left = (await cluster.outlines(signal)).filter((node) => isMarked(node) && node.cordonedBy === null);
  if (left.length === 0) return;
  await atOnce(left, AT_ONCE, ({ name }) => cluster.uncordon(name, signal));
  log.info('took the marks of waiting nodes away', { nodes: left.length });
}

export const liftLeftMarks: ActionStep = {
  name: 'left-marks',
  summary: 'take away the marks of waiting nodes that are left',
  run: liftMarks,
};
