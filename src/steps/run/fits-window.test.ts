import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { exampleAction, examplePhase } from '../../../test/support/example-phase.ts';
import { contextIn, errorOf } from '../../../test/support/example-step.ts';
import { Paused } from '../../chain/outcome.ts';
import { runPhase } from '../../chain/run-phase.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { runPrefix } from '../../observe/run-record.ts';
import { fitsWindow, noteTook } from './fits-window.ts';

/** `minutes` before the window ends; the soak of ten minutes is the most of a worker's estimate. */
function scene(minutes: number, node: Partial<NodeFact> = {}, rollout = {}) {
  const now = exampleWorld().clock.now().getTime();
  const time = (ms: number): string => new Date(ms).toISOString().slice(11, 16);
  const world = exampleWorld({
    nodes: [controlPlane('cp-1', OLD), worker('worker-1', OLD, node), worker('worker-2', OLD)],
    settings: { rollout, window: { start: time(now - 3_600_000), end: time(now + minutes * 60_000) } },
  });
  const prefix = runPrefix(world.deps.settings);
  return { world, key: (name: string): string => `${prefix}${name}`, context: contextIn(world) };
}

describe('fits-window', () => {
  it('is not asked without a window', async () => {
    expect(await fitsWindow.skip?.(contextIn(exampleWorld()))).toBe('there is no window');
    expect(await fitsWindow.skip?.(scene(20).context)).toBeUndefined();
  });

  it.each([
    ['by the estimate', 20, undefined, undefined],
    [
      'by the estimate, not',
      5,
      undefined,
      'worker-1 would take 10 min 40 s (an estimate), and the window ends in 5 min',
    ],
    ['by what was seen', 5, 'master=900 worker=200', undefined],
    ['by what was seen, not', 20, 'worker=1500', 'would take 25 min (as an earlier node of this run did)'],
    ['by the estimate, when the record says nothing', 20, 'worker=x', undefined],
  ])('begins a node that fits: %s', async (_title, minutes, took, message) => {
    const { world, key, context } = scene(minutes);
    if (took !== undefined) world.annotations.set(key('took'), took);
    const error = await errorOf(fitsWindow.run(context));
    if (message === undefined) expect(error).toBeUndefined();
    else {
      expect(error).toBeInstanceOf(Paused);
      expect(String(error)).toContain(message);
    }
    expect(world.annotations.has(key('begun'))).toBe(message === undefined);
  });

  it.each([undefined, 'worker=700'])(
    'counts with the longer watch of a canary, whatever was seen: %s',
    async (took) => {
      const { world, key, context } = scene(20, {}, { canary: { perGroup: 1, soakSeconds: 1800 } });
      if (took !== undefined) world.annotations.set(key('took'), took);
      expect(String(await errorOf(fitsWindow.run(context)))).toContain('worker-1 would take 30 min 40 s (an estimate)');
    },
  );

  it.each([{ unfinished: TARGET }, { schedulable: false, cordonedBy: TARGET }])(
    'finishes what is half-done, and takes it for no measure: %o',
    async (node) => {
      const { world, key, context } = scene(5, node);
      await fitsWindow.run(context);
      world.clock.sleep(60_000).catch(() => undefined);
      await noteTook.run(context);
      expect(world.annotations.has(key('took'))).toBe(false);
    },
  );

  it('goes by the longest of its phase', async () => {
    const { world, key, context } = scene(59);
    for (const seconds of [300, 200, 400]) {
      await fitsWindow.run(context);
      await world.clock.sleep(seconds * 1000);
      await noteTook.run(context);
    }
    const master = contextIn(world, { phase: 'master', node: 'cp-1' });
    await fitsWindow.run(master);
    await world.clock.sleep(100_000);
    await noteTook.run(master);
    expect(world.annotations.get(key('took'))).toBe('worker=400 master=100');
    expect(world.annotations.has(key('begun'))).toBe(false);
  });

  it('does not take the time of another node for its own', async () => {
    const { world, key, context } = scene(59);
    await fitsWindow.run(context);
    await world.clock.sleep(100_000);
    await noteTook.run(contextIn(world, { phase: 'worker', node: 'worker-2' }));
    expect(world.annotations.has(key('took'))).toBe(false);
  });

  it('pauses the run before the drain, and gives back what the step had taken', async () => {
    const { world } = scene(5);
    world.nodes = world.nodes.map((node) =>
      node.role === 'control-plane' ? { ...node, kubelet: TARGET, apiServer: TARGET } : node,
    );
    const calls: string[] = [];
    const phase = examplePhase([exampleAction('lock', calls), fitsWindow, exampleAction('drain', calls)]);
    const step = { phase: 'worker', node: 'worker-1' } as const;
    const outcome = await runPhase(phase, step, TARGET, world.deps, new AbortController().signal);
    expect(outcome).toMatchObject({ kind: 'paused', reason: expect.stringContaining('it is not begun') });
    expect(calls).toEqual(['run lock', 'undo lock']);
  });
});
