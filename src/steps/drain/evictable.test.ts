import { describe, expect, it } from 'vitest';
import { TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import type { Budget, EvictionResult, PodFact } from '../../cluster/cluster.ts';
import { exampleBudget, examplePod } from '../../cluster/example-pod.ts';
import { ClusterError } from '../../cluster/kube-error.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { evictable } from './evictable.ts';

const pod: typeof examplePod = (name, fields) =>
  examplePod(name, { node: 'worker-1', labels: { app: name }, ...fields });
const budget = (name: string, fields: Partial<Budget> = {}): Budget =>
  exampleBudget(name, { selector: { matchLabels: { app: name } }, ...fields });
const blocked = (name: string): EvictionResult => ({
  kind: 'blocked',
  budget: name,
  message: `The disruption budget ${name} does not allow evicting pods currently`,
  retryAfterMs: 0,
});
const DATABASE = { owner: { kind: 'Cluster', name: 'db' } };

interface Scene {
  node?: Partial<NodeFact>;
  pods?: readonly PodFact[];
  budgets?: readonly Budget[];
  drain?: object;
  drainSeconds?: number;
  /** By the name of the pod, in order; the last one again and again. */
  answers?: Readonly<Record<string, readonly (EvictionResult | Error)[]>>;
}

function scene({ node, pods = [pod('web')], budgets = [], drain = {}, drainSeconds = 600, answers = {} }: Scene) {
  const asked: string[] = [];
  const world = exampleWorld({
    nodes: [worker('worker-1', '1.36.3', node), worker('worker-2')],
    settings: { drain, waits: { drainSeconds } },
    cluster: {
      pods: async (where) => {
        if (where.node !== 'worker-1') throw new Error('more pods than those of the node were listed');
        return pods;
      },
      budgets: async () => budgets,
      tryEviction: async ({ name }) => {
        const list = answers[name] ?? [{ kind: 'accepted' }];
        const answer = list[Math.min(asked.filter((one) => one === name).length, list.length - 1)];
        asked.push(name);
        if (answer instanceof Error) throw answer;
        return answer ?? { kind: 'accepted' };
      },
    },
  });
  return { world, asked, context: contextIn(world) };
}

const said = async (running: Promise<unknown>): Promise<string[]> =>
  (await refusalOf(running)).map(({ reason, message }) => `${reason}: ${message}`);

describe('the step that asks whether pods may be evicted', () => {
  it.each([
    ['the old version', '1.36.3', false],
    ['the target', TARGET, true],
  ])('is done on a node that shows %s: %s, %s', async (_title, kubelet, done) => {
    expect(await evictable.isDone?.(scene({ node: { kubelet } }).context)).toBe(done);
  });

  it.each([
    ['after a cordon of ours', { cordonedBy: TARGET }, 'an earlier Job has begun to drain the node'],
    ["under a person's cordon", { schedulable: false }, undefined],
  ])('is skipped or not %s', async (_title, node, want) => {
    expect(await evictable.skip?.(scene({ node }).context)).toBe(want);
  });

  it('asks for each pod that the drain would evict, once, and changes nothing', async () => {
    const pods = [
      pod('web'),
      pod('api'),
      pod('daemon', { owner: { kind: 'DaemonSet', name: 'd' } }),
      pod('static', { mirror: true }),
      pod('starting', { phase: 'Pending' }),
      pod('ended', { phase: 'Succeeded' }),
      pod('going', { deleting: true, goneBy: '2026-11-21T23:00:00.000Z' }),
    ];
    const { world, asked, context } = scene({ pods });
    await evictable.run(context);
    expect(asked.toSorted()).toEqual(['api', 'web']);
    expect([world.seen.changes, world.passed()]).toEqual([[], 0]);
  });

  it('waits for what is held only now, without a cordon, and asks the others no second time', async () => {
    const { world, asked, context } = scene({
      pods: [pod('web'), pod('api')],
      budgets: [budget('web', { currentHealthy: 1, expectedPods: 2 })],
      answers: { web: [blocked('web'), blocked('web'), { kind: 'accepted' }] },
    });
    await evictable.run(context);
    expect(asked.toSorted()).toEqual(['api', 'web', 'web', 'web']);
    expect([world.seen.changes, world.passed()]).toEqual([[], 10]);
  });

  it('refuses when the time of a drain is over, with the node, the pod and the budget', async () => {
    const { world, context } = scene({
      budgets: [budget('web', { currentHealthy: 0, desiredHealthy: 1, expectedPods: 2 })],
      answers: { web: [blocked('web')] },
    });
    expect(await said(evictable.run(context))).toEqual([
      'DrainBlocked: Draining worker-1 was not begun: for 600 s apps/web was held by budget apps/web: The disruption budget web does not allow evicting pods currently',
    ]);
    expect(world.seen.changes).toEqual([]);
  });

  it.each<[string, Partial<Budget>, string]>([
    [
      'fails to sync',
      {
        expectedPods: 0,
        currentHealthy: 0,
        syncFailed: 'things.example.test does not implement the scale subresource',
      },
      'the disruption controller cannot count the pods of that budget: things.example.test does not implement the scale subresource',
    ],
    [
      'counts replicas of pods that have no owner',
      { expectedPods: 0, currentHealthy: 1, desiredHealthy: 0 },
      'a percentage or maxUnavailable counts the replicas of owners, and the pods of that budget have none',
    ],
  ])('refuses after a minute what a budget never lets go that %s', async (_title, fields, why) => {
    const { world, context } = scene({ budgets: [budget('web', fields)], answers: { web: [blocked('web')] } });
    expect(await refusalOf(evictable.run(context))).toEqual([
      {
        check: 'drain',
        reason: 'NeverEvicted',
        class: 'actionable',
        severity: 'block',
        message: `Draining worker-1 was not begun: apps/web can never be evicted: ${why} (The disruption budget web does not allow evicting pods currently)`,
        remedy:
          'Give budget apps/web minAvailable as a number of pods, or delete it: kubectl -n apps describe poddisruptionbudget web',
      },
    ]);
    expect([world.seen.changes, world.passed()]).toEqual([[], 60]);
  });

  it('says so too when the time of a drain is shorter than that minute', async () => {
    const { world, context } = scene({
      budgets: [budget('web', { expectedPods: 0 })],
      answers: { web: [blocked('web')] },
      drainSeconds: 20,
    });
    expect((await refusalOf(evictable.run(context))).map(({ reason }) => reason)).toEqual(['NeverEvicted']);
    expect(world.passed()).toBe(20);
  });

  it("takes a controller's passing failure for no reason to refuse", async () => {
    const { world, context } = scene({
      budgets: [budget('web', { syncFailed: 'the server is currently unable to handle the request' })],
      answers: { web: [blocked('web'), blocked('web'), { kind: 'accepted' }] },
    });
    await evictable.run(context);
    expect(world.passed()).toBe(10);
  });

  const impossible: EvictionResult = { kind: 'impossible', message: 'This pod has more than one PodDisruptionBudget' };
  const two = [budget('one', { selector: {} }), budget('two', { selector: {} })];

  it.each(['wait', 'give-up'])('refuses a pod under two budgets at once: %s', async (action) => {
    const { world, context } = scene({
      budgets: two,
      answers: { web: [impossible] },
      drain: { policies: [{ namespace: 'apps', action }] },
    });
    expect(await said(evictable.run(context))).toEqual([
      'TwoBudgets: Draining worker-1 cannot end: pod apps/web has the budgets apps/one and apps/two, and the API evicts no pod that has two',
    ]);
    expect([world.seen.changes, world.passed()]).toEqual([[], 0]);
  });

  it.each([
    ['delete-after', [impossible]],
    ['restart-owner', [impossible]],
    ['delete-after', [blocked('one')]],
    ['restart-owner', [blocked('one')]],
  ])('leaves to the drain what a policy goes around: %s, %j', async (action, web) => {
    const { asked, context, world } = scene({
      budgets: two,
      answers: { web },
      drain: { policies: [{ namespace: 'apps', action, afterSeconds: 300 }] },
    });
    await evictable.run(context);
    expect([asked, world.passed()]).toEqual([['web'], 0]);
  });

  it('gives up at once where the policy says so', async () => {
    const { context, world } = scene({
      budgets: [budget('web', { currentHealthy: 1, expectedPods: 2 })],
      answers: { web: [blocked('web')] },
      drain: { policies: [{ namespace: 'apps', action: 'give-up' }] },
    });
    expect(await said(evictable.run(context))).toEqual([
      'DrainBlocked: Draining worker-1 was not begun, by the policy for budget apps/web: apps/web: The disruption budget web does not allow evicting pods currently',
    ]);
    expect(world.passed()).toBe(0);
  });

  it.each<[string, Partial<PodFact>, Partial<Budget>, number]>([
    ['an operator of its own, that wants all it has', DATABASE, {}, 0],
    ['an operator of its own, while it lacks one', DATABASE, { expectedPods: 2, currentHealthy: 1 }, 600],
    ['a StatefulSet', { owner: { kind: 'StatefulSet', name: 'db' } }, {}, 600],
    ['nobody', { owner: null }, {}, 600],
  ])('leaves a pod of %s to the drain, or waits: %#', async (_title, fields, numbers, seconds) => {
    const { context, world } = scene({
      pods: [pod('db', fields)],
      budgets: [budget('db', numbers)],
      answers: { db: [blocked('db')] },
    });
    const error = await errorOf(evictable.run(context));
    expect([error === undefined ? 0 : 600, world.passed()]).toEqual([seconds, seconds]);
  });

  it('waits for an API server that is away or busy, and never takes that for a yes', async () => {
    const away = new ClusterError('no answer', { status: 0, reason: 'Unreachable', unavailable: true });
    const busy: EvictionResult = { kind: 'busy', message: 'too many requests', retryAfterMs: 0 };
    const passing = scene({ answers: { web: [away, busy, { kind: 'accepted' }] } });
    await evictable.run(passing.context);
    expect(passing.asked).toHaveLength(3);
    expect(await errorOf(evictable.run(scene({ answers: { web: [away] } }).context))).toMatchObject({
      kind: 'network',
    });
    expect(await said(evictable.run(scene({ answers: { web: [busy] } }).context))).toEqual([
      'PodStuck: Draining worker-1 was not begun: for 600 s apps/web could not be evicted: too many requests',
    ]);
  });

  it('ends before the cordon with what the API server denies', async () => {
    const denied = new ClusterError('admission webhook "keep" denied the request', {
      status: 403,
      reason: 'Forbidden',
    });
    const { context, world } = scene({ answers: { web: [denied] } });
    expect(await errorOf(evictable.run(context))).toBe(denied);
    expect(world.seen.changes).toEqual([]);
  });

  it('does not wait for a pod that is gone meanwhile', async () => {
    const { asked, context, world } = scene({ answers: { web: [{ kind: 'gone' }] } });
    await evictable.run(context);
    expect([asked, world.passed()]).toEqual([['web'], 0]);
  });
});

describe('a pod that has been terminating for long', () => {
  // The clock of the example stands at 23:00.
  const going = (at: string, fields: Partial<PodFact> = {}) =>
    pod('stuck', { deleting: true, goneBy: `2026-11-21T22:${at}.000Z`, ...fields });

  it.each([
    ['by a finalizer', { finalizers: ['example.test/never'] }, ', held by the finalizer example.test/never'],
    ['by a volume', {}, ''],
  ])('refuses before the cordon, with what holds it: %s', async (_title, fields, held) => {
    const { context, world } = scene({ pods: [going('55:00', fields)] });
    expect(await said(evictable.run(context))).toEqual([
      `PodStuck: Draining worker-1 was not begun: apps/stuck should have been gone at 2026-11-21 22:55:00 UTC (grace 30 s) and is still terminating${held}`,
    ]);
    expect([world.seen.changes, world.passed()]).toEqual([[], 0]);
  });

  it.each([
    ['is not late by five minutes', going('55:01'), {}],
    ['a DaemonSet has', going('00:00', { owner: { kind: 'DaemonSet', name: 'd' } }), {}],
    ['is static', going('00:00', { mirror: true }), {}],
    ['is on a node that is down, and goes when it is back', going('00:00'), { ready: 'no' } as const],
  ])('is left to the drain when it %s', async (_title, one, node) => {
    const { asked, context, world } = scene({ pods: [one], node });
    await evictable.run(context);
    expect([asked, world.passed()]).toEqual([[], 0]);
  });
});

describe('what would be lost', () => {
  it('is refused before the node is marked', async () => {
    const { context, world } = scene({ pods: [pod('web', { owner: null })], drain: { deleteBarePods: false } });
    expect((await refusalOf(evictable.run(context))).map(({ reason }) => reason)).toEqual(['BarePod']);
    expect(world.seen.changes).toEqual([]);
  });
});
