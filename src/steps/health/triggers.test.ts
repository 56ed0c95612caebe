import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import type { PodEvent, PodFact } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import { ClusterError } from '../../cluster/kube-error.ts';
import { noteBroken } from './broken-before.ts';
import { haltOnTrigger, soak } from './halt-on-alert.ts';
import { seenAgain } from './trigger.ts';

interface Scene {
  /** What there is after so many seconds. */
  readonly pods: (seconds: number) => readonly PodFact[];
  readonly reason?: string;
  readonly settings?: object;
  /** Seconds by which the events are old. */
  readonly age?: number;
  readonly count?: number | undefined;
}

const AGES = 5;

/** Every pod that is not ready has an event of that reason, of the time of the look. */
function scene({ pods, reason = 'BackOff', settings = {}, age = AGES, ...options }: Scene) {
  const folds: number[] = [];
  const asked: string[] = [];
  const told = (some: readonly PodFact[]): readonly PodEvent[] =>
    some
      .filter(({ ready }) => !ready)
      .map((pod) => ({
        reason,
        message: `it failed for ${pod.name}`,
        pod,
        lastSeen: new Date(world.clock.now().getTime() - age * 1000).toISOString(),
      }));
  const world = exampleWorld({
    settings: {
      alerts: { required: false },
      waits: { soakSeconds: 600, pollSeconds: 5, alertSeconds: 0 },
      ...settings,
    },
    cluster: {
      pods: async ({ node }) => pods(world.passed()).filter((pod) => node === undefined || pod.node === node),
      foldPods: async (_, start, see) => {
        folds.push(world.passed());
        const state = start();
        for (const pod of pods(world.passed())) see(state, pod);
        return state;
      },
      podCount: async () => ('count' in options ? options.count : pods(world.passed()).length),
      podWarnings: async (about) => {
        if ('reason' in about) return told(pods(world.passed())).filter((event) => event.reason === about.reason);
        asked.push(about.uid);
        return told(pods(world.passed())).filter(({ pod }) => pod.uid === about.uid);
      },
    },
  });
  return { world, folds, asked, context: contextIn(world) };
}

const looping = (name: string, fields: Partial<PodFact> = {}): PodFact =>
  examplePod(name, { ready: false, crashLooping: true, owner: { kind: 'ReplicaSet', name }, ...fields });
const well = (count: number): PodFact[] => Array.from({ length: count }, (_, index) => examplePod(`well-${index}`));

describe('pods in CrashLoopBackOff', () => {
  it('stop the run in the soak when they are more than 5 % and were well before, and are named', async () => {
    const { context, world } = scene({
      pods: (seconds) => (seconds < 100 ? well(20) : [...well(18), looping('a'), looping('b')]),
    });
    expect(await refusalOf(soak.run(context))).toEqual([
      {
        check: 'crash-loops',
        reason: 'PodsCrashLooping',
        class: 'actionable',
        severity: 'block',
        message:
          'during the soak: 2 of 20 pods are in CrashLoopBackOff and were not before the run, which is more than 5 %: apps/a, apps/b',
        remedy: expect.stringMatching(/kubectl logs --previous.*triggers\.crashLoopPercent/) as string,
      },
    ]);
    // Seen at 120 at the latest, and a minute later again.
    expect(world.passed()).toBeLessThanOrEqual(200);
    expect(world.passed()).toBeGreaterThanOrEqual(160);
  });

  it.each<[string, Scene]>([
    ['are as few as are allowed', { pods: () => [...well(19), looping('a')] }],
    ['may all fail by the settings', { pods: () => [looping('a')], settings: { triggers: { crashLoopPercent: 100 } } }],
    ['are over before a minute has passed', { pods: (now) => (now >= 60 && now < 100 ? [looping('a')] : well(1)) }],
    ['run again, and events tell of what was', { pods: () => [examplePod('a', { ready: false }), ...well(1)] }],
    ['have ended, or are on their way out', { pods: () => [looping('a', { deleting: true }), ...well(1)] }],
    ['were told of a quarter of an hour ago', { pods: () => [looping('a')], age: 900 }],
  ])('stop nothing when they %s', async (_, given) => {
    const { context } = scene(given);
    expect(await errorOf(soak.run(context))).toBeUndefined();
  });

  it('are compared with what preflight has noted', async () => {
    const { context } = scene({ pods: () => [...well(2), looping('a')] });
    await noteBroken.run(context);
    expect(await errorOf(soak.run(context))).toBeUndefined();
  });

  it('stop the run as well where somebody has set another limit', async () => {
    const { context } = scene({
      pods: () => [...well(198), looping('a'), looping('b')],
      settings: { triggers: { crashLoopPercent: 0.5 } },
    });
    expect(await refusalOf(soak.run(context))).toMatchObject([{ reason: 'PodsCrashLooping' }]);
  });

  it('are read one by one only when events tell of more than are allowed, and twice a minute at most', async () => {
    const few = scene({ pods: () => [...well(100), looping('a')] });
    await soak.run(few.context);
    expect(few.folds).toEqual([]);
    // The events tell of pods that run again by now.
    const many = scene({ pods: () => [...well(10), examplePod('a', { ready: false })] });
    await soak.run(many.context);
    expect(many.folds.slice(0, 4)).toEqual([0, 30, 60, 90]);
  });

  it('are read where the API server does not say how many there are', async () => {
    const { context, folds } = scene({ pods: () => [...well(100), looping('a')], count: undefined });
    expect(await errorOf(soak.run(context))).toBeUndefined();
    expect(folds.length).toBeGreaterThan(0);
  });

  it('stop the run after a control plane, which is not soaked, when they stay for a minute', async () => {
    const { world } = scene({ pods: () => [looping('a'), ...well(3)] });
    const context = contextIn(world, { phase: 'master', node: 'cp-1' });
    expect(await refusalOf(haltOnTrigger.run(context))).toMatchObject([{ reason: 'PodsCrashLooping' }]);
    expect(world.passed()).toBe(60);
  });

  it('cost a control plane no time when there are none, and what is over is waited for', async () => {
    const none = scene({ pods: () => well(3) });
    await haltOnTrigger.run(contextIn(none.world, { phase: 'master', node: 'cp-1' }));
    expect(none.world.passed()).toBe(0);
    const over = scene({ pods: (now) => (now < 20 ? [looping('a')] : well(3)) });
    await haltOnTrigger.run(contextIn(over.world, { phase: 'master', node: 'cp-1' }));
    expect(over.world.passed()).toBe(60);
  });

  it('that begin at the end of the soak are waited for, and stop the run', async () => {
    const { context, world } = scene({ pods: (now) => (now < 590 ? well(3) : [looping('a'), ...well(2)]) });
    expect(await refusalOf(soak.run(context))).toMatchObject([{ reason: 'PodsCrashLooping' }]);
    expect(world.passed()).toBe(660);
  });

  it('are not taken for none when the events cannot be read', async () => {
    const { context, world } = scene({ pods: () => well(1) });
    world.deps.cluster.podWarnings = async () => {
      throw new ClusterError('listing the events', { status: 403, reason: 'Forbidden', unavailable: false });
    };
    expect(await errorOf(soak.run(context))).toMatchObject({ status: 403 });
  });
});

describe('mounts that fail', () => {
  const waiting = (name: string, fields: Partial<PodFact> = {}): PodFact =>
    examplePod(name, { node: 'worker-1', phase: 'Pending', ready: false, ...fields });

  it.each(['FailedMount', 'FailedAttachVolume'])('stop the run by %s, with what is said of them', async (reason) => {
    const { context, asked } = scene({ pods: () => [waiting('db'), examplePod('well', { node: 'worker-1' })], reason });
    expect(await refusalOf(soak.run(context))).toEqual([
      {
        check: 'mounts',
        reason: 'MountsFail',
        class: 'actionable',
        severity: 'block',
        message: `during the soak: volumes of pods on worker-1 cannot be mounted: apps/db (${reason}: it failed for db)`,
        remedy: expect.stringContaining('triggers.mounts') as string,
      },
    ]);
    expect(new Set(asked)).toEqual(new Set(['uid-db']));
  });

  it.each<[string, Scene]>([
    ['are of another node', { pods: () => [waiting('db', { node: 'worker-2' })] }],
    ['have passed: the pod is ready', { pods: () => [waiting('db', { ready: true })] }],
    ['were told of too long ago', { pods: () => [waiting('db')], age: 200 }],
    ['are over within a minute', { pods: (now) => (now < 40 ? [waiting('db')] : []) }],
    ['are something else', { pods: () => [waiting('db')], reason: 'FailedScheduling' }],
    ['are not looked at', { pods: () => [waiting('db')], settings: { triggers: { mounts: false } } }],
  ])('stop nothing when they %s', async (_, given) => {
    const { context } = scene({ reason: 'FailedMount', ...given });
    expect(await errorOf(soak.run(context))).toBeUndefined();
  });

  it('were there before the run, and are no failure of it', async () => {
    const { context } = scene({ pods: () => [waiting('db')], reason: 'FailedMount' });
    await noteBroken.run(context);
    expect(await errorOf(soak.run(context))).toBeUndefined();
  });

  it('are asked of twenty pods at most', async () => {
    const pods = Array.from({ length: 50 }, (_, index) => waiting(`p-${index}`));
    const { context, asked } = scene({ pods: () => pods, reason: 'FailedMount' });
    await refusalOf(haltOnTrigger.run(context));
    expect(new Set(asked).size).toBe(20);
  });
});

describe('what is known of a problem after another look', () => {
  const seen = { sinceMs: 0, lastMs: 100, problem: 'a' };
  it.each([
    {
      title: 'begins with the first',
      before: undefined,
      problem: 'a',
      now: 7,
      after: { sinceMs: 7, lastMs: 7, problem: 'a' },
    },
    { title: 'goes on', before: seen, problem: 'b', now: 130, after: { sinceMs: 0, lastMs: 130, problem: 'b' } },
    { title: 'lasts over a look without it', before: seen, problem: undefined, now: 159, after: seen },
    { title: 'is over after as long as it has to hold', before: seen, problem: undefined, now: 160, after: undefined },
    { title: 'is nothing without one', before: undefined, problem: undefined, now: 1, after: undefined },
  ])('$title', ({ before, problem, now, after }) => {
    expect(seenAgain(before, problem, now, 60)).toEqual(after);
  });
});
