import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleJob, exampleWorld } from '../../test/support/example-deps.ts';
import { exampleAction, examplePhase } from '../../test/support/example-phase.ts';
import { leaseMemory } from '../../test/support/lease-memory.ts';
import { exampleBudget, examplePod } from '../cluster/example-pod.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { createContext } from './context.ts';
import { writeFailure } from './failures.ts';
import { runPhase } from './run-phase.ts';
import { goOn, spawnNext } from './spawn-next.ts';
import type { Step } from './step.ts';

const NIGHT = '2026-11-21T22:00:00Z';
const PREFLIGHT = 'k8s-upgrade-preflight-1-36-4';
const jobOf = (node: string): string => `k8s-upgrade-worker-1-36-4-${node}`;
const workersOf = (...names: string[]): NodeFact[] => names.map((name) => worker(name));
const done = (name: string, at = '2026-11-21T22:59:00Z'): NodeFact =>
  worker(name, TARGET, { finished: `${TARGET} ${at}` });
const failed = (name: string, scope: 'node' | 'run' = 'node', night = NIGHT): NodeFact =>
  worker(name, OLD, { unfinished: TARGET, failed: writeFailure(TARGET, night, { scope, why: 'no room' }) });

/** A night in which nobody has ended yet: whoever looks has just finished the control plane. */
function bench(
  nodes: readonly NodeFact[],
  rollout: object,
  { on = {}, allows = {}, step = { phase: 'master', node: 'cp-1' } as Step, gone = '' } = {} as {
    /** The budget that is over the pod of a node. */
    on?: Readonly<Record<string, string>>;
    allows?: Readonly<Record<string, number>>;
    step?: Step;
    /** The node that has left when it is looked at itself. */
    gone?: string;
  },
) {
  const looked: string[] = [];
  const all = [controlPlane('cp-1', TARGET), ...nodes];
  const world = exampleWorld({
    nodes: all,
    settings: { rollout },
    cluster: {
      ...leaseMemory(),
      pods: async ({ node }) => {
        if (node === undefined) throw new Error('all pods were listed');
        looked.push(node);
        const app = on[node];
        return app === undefined ? [] : [examplePod(`${app}-${node}`, { node, labels: { app } })];
      },
      budgets: async () =>
        Object.entries(allows).map(([app, disruptionsAllowed]) => exampleBudget(app, { disruptionsAllowed })),
      node: async (name) => (name === gone ? undefined : all.find((node) => node.name === name)),
      outlines: async () => world.nodes,
    },
  });
  world.jobs.set(PREFLIGHT, exampleJob(PREFLIGHT, { status: 'complete', createdAt: NIGHT }));
  const atWork = (...names: string[]): void => {
    for (const node of names) world.jobs.set(jobOf(node), exampleJob(jobOf(node), { phase: 'worker', node }));
  };
  const context = createContext(step, TARGET, world.deps, new AbortController().signal);
  const created = (): string[] => world.seen.created.map(({ metadata }) => metadata.name);
  return { world, atWork, context, created, looked };
}

const DB = { 'w-1': 'db', 'w-2': 'db' };

describe('the Jobs that come next', () => {
  it('are of as many workers as may be away, each under its own name', async () => {
    const { context, created } = bench(workersOf('w-1', 'w-2', 'w-3'), { maxUnavailable: 2 });
    expect(await spawnNext(context)).toEqual({
      kind: 'advanced',
      next: { phase: 'worker', node: 'w-1' },
      job: jobOf('w-1'),
      beside: [jobOf('w-2')],
    });
    expect(created()).toEqual([jobOf('w-1'), jobOf('w-2')]);
  });

  it('are not of one that has left the cluster: another one is taken', async () => {
    const { context, created } = bench(workersOf('w-1', 'w-2', 'w-3'), { maxUnavailable: 2 }, { gone: 'w-1' });
    await spawnNext(context);
    expect(created()).toEqual([jobOf('w-2'), jobOf('w-3')]);
  });

  it('are left to those that are at work', async () => {
    const { context, created, atWork } = bench(workersOf('w-1', 'w-2', 'w-3'), { maxUnavailable: 2 });
    atWork('w-1', 'w-2');
    expect(await spawnNext(context)).toEqual({ kind: 'left-to-others', atWork: ['w-1', 'w-2'] });
    expect(created()).toEqual([]);
  });

  it('are none when the node of this one does not show the target', async () => {
    const step: Step = { phase: 'worker', node: 'w-1' };
    const { context, created } = bench(workersOf('w-1', 'w-2'), { maxUnavailable: 2 }, { step });
    await expect(spawnNext(context)).rejects.toThrow('finishing worker w-1: the cluster does not show 1.36.4 on it');
    expect(created()).toEqual([]);
  });
});

describe('budgets that several workers hold', () => {
  it.each<[string, number, string[], string[]]>([
    ['keep the second one back when they let one go', 1, ['w-1', 'w-3'], ['w-1', 'w-2', 'w-3']],
    ['keep nobody back when they let both go', 2, ['w-1', 'w-2'], ['w-1', 'w-2']],
  ])('%s, and only nodes that come into question are looked at', async (_, db, expected, looked) => {
    const one = bench(workersOf('w-1', 'w-2', 'w-3', 'w-4'), { maxUnavailable: 2 }, { on: DB, allows: { db } });
    await spawnNext(one.context);
    expect(one.created()).toEqual(expected.map(jobOf));
    expect(one.looked.toSorted()).toEqual(looked);
  });

  it('keep the second one back as well when the pod of the first is gone already and not back', async () => {
    const { context, created, atWork } = bench(
      workersOf('w-1', 'w-2', 'w-3'),
      { maxUnavailable: 2 },
      { on: { 'w-2': 'db' }, allows: { db: 0 } },
    );
    atWork('w-1');
    await spawnNext(context);
    expect(created()).toEqual([jobOf('w-3')]);
  });

  it('are not read while one after the other goes', async () => {
    const { context, looked } = bench(workersOf('w-1', 'w-2'), {}, { on: DB, allows: { db: 1 } });
    await spawnNext(context);
    expect(looked).toEqual([]);
  });
});

describe('the pause between two batches', () => {
  const settings = { maxUnavailable: 2, pauseSeconds: 300 };
  const nodes = [done('w-1'), ...workersOf('w-2', 'w-3')];

  it('is told, and no Job is made', async () => {
    const { context, created } = bench(nodes, settings);
    expect(await spawnNext(context)).toEqual({ kind: 'pause', ms: 240_000 });
    expect(created()).toEqual([]);
  });

  it('is waited for by whoever is last, who looks again then', async () => {
    const { context, created, world } = bench(nodes, settings);
    expect((await goOn(context, () => spawnNext(context))).kind).toBe('advanced');
    expect(world.passed()).toBe(240);
    expect(created()).toEqual([jobOf('w-2'), jobOf('w-3')]);
  });
});

describe('a night that is only partly done', () => {
  it('names who has failed and who was not begun with, and why, and is no complete one', async () => {
    const { context, created, world } = bench([done('w-1'), failed('w-2'), failed('w-3'), worker('w-4')], {
      maxUnavailable: 2,
      maxFailed: 1,
    });
    expect(await spawnNext(context)).toEqual({
      kind: 'partly',
      failed: [
        { node: 'w-2', why: 'no room' },
        { node: 'w-3', why: 'no room' },
      ],
      untried: ['w-4'],
    });
    expect(created()).toEqual([]);
    expect([...world.annotations].find(([key]) => key.endsWith('stopped'))?.[1]).toBe(
      'partly done: not upgraded: w-2 (no room); w-3 (no room)',
    );
    expect(world.seen.messages[0]?.text).toMatch(/PARTLY DONE[\s\S]*Not begun with: w-4; 2 have failed/);
  });

  it('is none yet while another one is at work', async () => {
    const { context, atWork, world } = bench([failed('w-1'), worker('w-2')], { maxUnavailable: 2 });
    atWork('w-2');
    expect((await spawnNext(context)).kind).toBe('left-to-others');
    expect(world.seen.messages).toEqual([]);
  });

  it('is none for what has failed in an earlier night', async () => {
    const nodes = [failed('w-1', 'run', '2026-11-20T22:00:00Z'), worker('w-2')];
    const { context, created } = bench(nodes, { maxUnavailable: 2 });
    await spawnNext(context);
    expect(created()).toEqual([jobOf('w-1'), jobOf('w-2')]);
  });

  it('knows a Job whose last pod could not say it', async () => {
    const { context, world } = bench([worker('w-1')], { maxUnavailable: 2 });
    const fact = exampleJob(jobOf('w-1'), {
      phase: 'worker',
      node: 'w-1',
      status: 'failed',
      reason: 'DeadlineExceeded',
    });
    world.jobs.set(fact.name, fact);
    expect(await spawnNext(context)).toMatchObject({
      kind: 'partly',
      failed: [{ node: 'w-1', why: 'its Job has failed: DeadlineExceeded' }],
    });
  });
});

describe('a worker that is marked as failed for tonight', () => {
  it.each([[{ maxUnavailable: 2, maxFailed: 1 }], [{ maxFailed: 1 }]])(
    'is not begun with again by the pod after one that was killed, which goes on all the same and keeps the mark: %j',
    async (rollout) => {
      const step: Step = { phase: 'worker', node: 'w-1' };
      const { world, created } = bench([failed('w-1', 'run'), worker('w-2')], rollout, { step });
      const calls: string[] = [];
      const phase = examplePhase([exampleAction('drain', calls)]);
      const ending = runPhase(phase, step, TARGET, world.deps, new AbortController().signal);
      await expect(ending).rejects.toThrow('worker w-1 has failed already tonight: no room');
      expect(calls).toEqual([]);
      expect(created()).toEqual([]);
      expect(world.nodes.find(({ name }) => name === 'w-1')?.failed).toContain(' run no room');
      expect(world.seen.messages.at(-1)?.text).toMatch(/PARTLY DONE/);
    },
  );

  it('is begun with in the next night', async () => {
    const step: Step = { phase: 'worker', node: 'w-1' };
    const { world } = bench([failed('w-1', 'node', '2026-11-20T22:00:00Z')], { maxFailed: 1 }, { step });
    const calls: string[] = [];
    const stop = new Error('far enough');
    const drain = exampleAction('drain', calls, { run: () => Promise.reject(stop) });
    await expect(
      runPhase(examplePhase([drain]), step, TARGET, world.deps, new AbortController().signal),
    ).rejects.toThrow('far enough');
  });
});
