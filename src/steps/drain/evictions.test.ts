import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { engageKillSwitch } from '../../../test/support/example-phase.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import { Paused } from '../../chain/outcome.ts';
import type { Budget, Cluster, EvictionResult, PodFact } from '../../cluster/cluster.ts';
import { exampleBudget, examplePod } from '../../cluster/example-pod.ts';
import { ClusterError } from '../../cluster/kube-error.ts';
import { evictAll } from './evictions.ts';

const pod: typeof examplePod = (name, fields) =>
  examplePod(name, { node: 'worker-1', labels: { app: name }, ...fields });
const accepted = { kind: 'accepted' } as const;
const blocked = (budget: string | null = 'keep', retryAfterMs = 0): EvictionResult => ({
  kind: 'blocked',
  budget,
  message: 'not now',
  retryAfterMs,
});
const impossible = { kind: 'impossible', message: 'two budgets' } as const;
const budget: typeof exampleBudget = (name, fields) => exampleBudget(name, { selector: {}, ...fields });
const away = new ClusterError('evicting', { status: 503, reason: '', unavailable: true });

interface Options {
  readonly pods: readonly PodFact[];
  /** The answer to an eviction after so many seconds; accepted without one. */
  readonly says?: (name: string, seconds: number) => EvictionResult | Error;
  /** What becomes of a pod that was told to go; gone at once without one. */
  readonly leaves?: (pod: PodFact) => PodFact | undefined;
  readonly drain?: object;
  readonly waits?: object;
  readonly held?: Readonly<Record<string, string>>;
  readonly budgets?: () => readonly Budget[];
  readonly cluster?: Partial<Cluster>;
  readonly onTime?: (seconds: number, there: Map<string, PodFact>) => void;
}

/** worker-1 with pods in memory: `evicted` says which was asked for and after how many seconds. */
function scene(options: Options) {
  const { says = () => accepted, leaves = () => undefined, drain = {}, waits = {}, held = {} } = options;
  const there = new Map(options.pods.map((one) => [one.uid, one]));
  const seen = {
    evicted: [] as string[],
    deleted: [] as string[],
    written: [] as unknown[],
    lists: [] as unknown[],
    budgets: 0,
    closed: 0,
    read: 0,
  };
  const go = (one: PodFact): void => {
    const rest = leaves(one);
    if (rest === undefined) there.delete(one.uid);
    else there.set(one.uid, rest);
  };
  const changes: (() => void)[] = [];
  const list = async (): Promise<readonly PodFact[]> => {
    options.onTime?.(world.passed(), there);
    return [...there.values()];
  };
  const world = exampleWorld({
    settings: { drain, waits },
    cluster: {
      watchPods: () => ({
        pods: list,
        changed: () => new Promise((resolve) => void changes.push(resolve)),
        close: () => void (seen.closed += 1),
      }),
      pods: async (where) => {
        seen.lists.push(where);
        return await list();
      },
      heldSince: async () => {
        seen.read += 1;
        return held;
      },
      writeHeldSince: async (_, values) => void seen.written.push(values),
      budgets: async () => {
        seen.budgets += 1;
        return options.budgets?.() ?? [];
      },
      evict: async (one) => {
        seen.evicted.push(`${one.name} ${world.passed()}`);
        const answer = says(one.name, world.passed());
        if (answer instanceof Error) throw answer;
        if (answer.kind === 'accepted') go(one);
        return answer;
      },
      deletePod: async (one) => {
        seen.deleted.push(`${one.name} ${world.passed()}`);
        go(one);
      },
      ...options.cluster,
    },
  });
  const run = (): Promise<void> => evictAll(contextIn(world), 'worker-1');
  return {
    world,
    seen,
    there,
    run,
    /** With the messages of the findings. */
    refuses: async () => (await refusalOf(run())).map(({ reason, message }) => `${reason}: ${message}`),
    tell: () => {
      for (const resolve of changes.splice(0)) resolve();
    },
    missing: () =>
      world.seen.log.flatMap(({ message, fields }) =>
        message === 'waiting for the pods of worker-1 to leave' ? [fields['missing']] : [],
      ),
    letGo: () => world.seen.log.filter(({ message }) => message === 'a pod that was held goes').length,
  };
}

const policy = (action: string, fields: object = {}) => ({ policies: [{ namespace: 'apps', action, ...fields }] });

describe('the evictions of a drain', () => {
  it('tell each pod once, and end when a list shows that none is left', async () => {
    const leaving = new Set<string>();
    const { run, seen, missing, world } = scene({
      pods: [pod('a'), pod('b'), pod('c')],
      leaves: (one) => {
        leaving.add(one.uid);
        return one.name === 'b' ? { ...one, deleting: true } : undefined;
      },
      onTime: (seconds, there) => {
        if (seconds === 10) there.clear();
      },
    });
    await run();
    expect(seen.evicted).toEqual(['a 0', 'b 0', 'c 0']);
    expect(missing()).toEqual(['3 of 3 pods are still there', '1 of 3 pods are still there']);
    expect(seen).toMatchObject({ closed: 1, read: 1, written: [], budgets: 0, lists: [{ node: 'worker-1' }] });
    expect(world.passed()).toBe(10);
  });

  it('never take a watch at its word that nothing is left', async () => {
    const { run, seen } = scene({
      pods: [pod('a')],
      cluster: {
        watchPods: () => ({
          pods: async () => [],
          changed: () => new Promise(() => undefined),
          close: () => undefined,
        }),
      },
    });
    await run();
    expect(seen.evicted).toEqual(['a 0']);
  });

  it('take a node without pods for a drained one', async () => {
    const { run, seen } = scene({ pods: [] });
    await run();
    expect(seen).toMatchObject({ evicted: [], closed: 1 });
  });

  it('wait for a pod that is told and still there, and ask nothing of one that somebody deletes', async () => {
    const { run, seen } = scene({
      pods: [pod('told'), pod('deleted', { deleting: true })],
      leaves: (one) => one,
      onTime: (seconds, there) => {
        if (seconds === 15) there.clear();
      },
    });
    await run();
    expect(seen.evicted).toEqual(['told 0']);
  });

  it.each([
    [0, ['a 0', 'a 5', 'a 10', 'a 15']],
    [10_000, ['a 0', 'a 10', 'a 20']],
    [10_001, ['a 0', 'a 15']],
  ])('ask again with the polls, but not before %i ms are over when the server says so', async (retryAfterMs, asked) => {
    const { run, seen } = scene({
      pods: [pod('a')],
      says: (_, seconds) => (seconds < 15 ? blocked('keep', retryAfterMs) : accepted),
    });
    await run();
    expect(seen.evicted).toEqual(asked);
  });

  it('ask with a change only for what was not asked yet, and judge only what a poll has seen', async () => {
    const { run, seen, there, tell } = scene({
      pods: [pod('a')],
      drain: policy('give-up', { budget: 'never' }),
      says: (name) => blocked(name === 'b' ? 'never' : 'keep'),
      onTime: (seconds) => {
        if (seconds > 0 || there.has('uid-b')) return;
        setImmediate(() => {
          there.set('uid-b', pod('b'));
          tell();
        });
      },
    });
    const findings = await refusalOf(run());
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringContaining('by the policy for budget apps/never: apps/b'),
    ]);
    expect(seen.evicted.map((text) => text.split(' ')[0])).toEqual(['a', 'b', 'a', 'b']);
    expect(seen.written).toHaveLength(2);
  });

  it.each([1, 3])('are at most %i at a time', async (parallel) => {
    let flying = 0;
    let most = 0;
    const { run, there } = scene({
      pods: ['a', 'b', 'c', 'd', 'e'].map((name) => pod(name)),
      drain: { parallel },
      cluster: {
        evict: async ({ uid }) => {
          flying += 1;
          most = Math.max(most, flying);
          await new Promise((resolve) => setImmediate(resolve));
          flying -= 1;
          there.delete(uid);
          return accepted;
        },
      },
    });
    await run();
    expect(most).toBe(parallel);
  });

  it('ask for the others while the server is away for one, and for that one with the next poll', async () => {
    const { run, seen } = scene({
      pods: [pod('a'), pod('b')],
      drain: { parallel: 1 },
      says: (name, seconds) => (name === 'a' && seconds === 0 ? away : accepted),
    });
    await run();
    expect(seen.evicted).toEqual(['a 0', 'b 0', 'a 5']);
  });

  it('begin nothing more after a no, but hear the end of what is under way', async () => {
    const ended: string[] = [];
    const forbidden = new ClusterError('evicting', { status: 403, reason: 'Forbidden' });
    const { run, seen } = scene({
      pods: [pod('a'), pod('b'), pod('c')],
      drain: { parallel: 2 },
      cluster: {
        evict: async ({ name }) => {
          if (name === 'a') throw forbidden;
          await new Promise((resolve) => setImmediate(resolve));
          ended.push(name);
          return accepted;
        },
      },
    });
    expect(await errorOf(run())).toBe(forbidden);
    expect(ended).toEqual(['b']);
    expect(seen.closed).toBe(1);
  });

  it('refuse a pod that came meanwhile and that the settings keep', async () => {
    const { refuses, seen } = scene({
      pods: [pod('a')],
      drain: { deleteBarePods: false },
      says: () => blocked(),
      onTime: (seconds, there) => {
        if (seconds === 5) there.set('uid-bare', pod('bare', { owner: null }));
      },
    });
    expect(await refuses()).toEqual([expect.stringMatching(/^BarePod: .*apps\/bare has no owner/)]);
    expect(seen.evicted).toEqual(['a 0']);
  });

  it('tell a pod that tolerates the cordon once, and do not wait for the one that comes after it', async () => {
    const tolerant = { placement: { tolerations: [{ operator: 'Exists' }] } };
    const { run, seen } = scene({
      pods: [pod('agent', tolerant)],
      says: (_, seconds) => (seconds === 0 ? blocked() : accepted),
      leaves: () => pod('agent', { ...tolerant, uid: 'next' }),
      onTime: (_, there) => {
        if (there.has('next')) there.delete('uid-agent');
      },
    });
    await run();
    expect(seen.evicted).toEqual(['agent 0', 'agent 5']);
  });

  it('wait for a later pod of the same name that does not tolerate the cordon', async () => {
    let next = 0;
    const { run, seen, there } = scene({
      pods: [pod('db')],
      cluster: {
        evict: async ({ uid, name }) => {
          seen.evicted.push(uid);
          there.delete(uid);
          next += 1;
          if (next < 3) there.set(`${name}-${next}`, pod(name, { uid: `${name}-${next}` }));
          return accepted;
        },
      },
    });
    await run();
    expect(seen.evicted).toEqual(['uid-db', 'db-1', 'db-2']);
  });

  it('say once that a held pod goes, whether it was evicted, deleted by somebody, or is gone', async () => {
    const { run, letGo, missing } = scene({
      pods: [pod('evicted'), pod('deleted'), pod('gone'), pod('busy')],
      says: (name, seconds) => {
        if (name === 'busy' && seconds === 0) return { kind: 'busy', message: 'slow', retryAfterMs: 0 };
        return (name === 'evicted' || name === 'busy') && seconds > 0 ? accepted : blocked();
      },
      onTime: (seconds, there) => {
        if (seconds === 5) {
          there.set('uid-deleted', pod('deleted', { deleting: true }));
          there.delete('uid-gone');
        }
        if (seconds === 10) there.clear();
      },
    });
    await run();
    expect(letGo()).toBe(3);
    // Seen before the evictions of that look, and nothing holds any of them after it.
    expect(missing().at(-1)).toBe('3 of 4 pods are still there');
  });
});

describe('a pod that a budget holds', () => {
  it('is written down once, before anything is done about it, from when the journal says', async () => {
    const { run, seen, missing } = scene({
      pods: [pod('old'), pod('new')],
      held: { 'uid-old': '2026-11-21T22:50:00.000Z' },
      says: (_, seconds) => (seconds < 10 ? blocked() : accepted),
    });
    await run();
    expect(seen.written).toEqual([{ 'uid-old': '2026-11-21T22:50:00.000Z', 'uid-new': '2026-11-21T23:00:00.000Z' }]);
    expect(missing()[0]).toBe(
      '2 of 2 pods are still there; apps/old is held by budget apps/keep since 22:50:00 UTC (not now); apps/new is held by budget apps/keep since 23:00:00 UTC (not now)',
    );
    expect(seen).toMatchObject({ read: 1, budgets: 0 });
  });

  it.each([
    ['22:59:00.000', ['a 0']],
    ['22:59:00.001', ['a 0', 'a 5']],
  ])('is given up at once when it was held since %s, all the time of the drain', async (time, asked) => {
    const { refuses, seen } = scene({
      pods: [pod('a')],
      held: { 'uid-a': `2026-11-21T${time}Z` },
      waits: { drainSeconds: 60 },
      says: () => blocked(),
    });
    expect(await refuses()).toEqual([
      'DrainBlocked: Draining worker-1 gave up after 60 s: apps/a is held by budget apps/keep: not now',
    ]);
    expect(seen.evicted).toEqual(asked);
  });

  it.each(['wait', 'give-up'])(
    'is given up at once with the names of both budgets under the policy %s',
    async (action) => {
      const { refuses, seen, world } = scene({
        pods: [pod('a')],
        drain: policy(action),
        says: () => impossible,
        budgets: () => [budget('two'), budget('one'), budget('other', { selector: { matchLabels: { app: 'b' } } })],
      });
      expect(await refuses()).toEqual([
        'TwoBudgets: Draining worker-1 cannot end: pod apps/a has the budgets apps/one and apps/two, and the API evicts no pod that has two',
      ]);
      expect([world.passed(), seen.budgets]).toEqual([0, 1]);
    },
  );

  it.each([
    ['keep', { budget: 'keep' }, 'budget apps/keep'],
    ['keep', { budget: '' }, 'budget apps/keep'],
    [null, { budget: 'keep' }, 'its budget'],
  ])('is given up at once by the policy, its budget named %s', async (name, fields, text) => {
    const { refuses, seen } = scene({
      pods: [pod('a')],
      drain: policy('give-up', fields),
      says: () => blocked(name),
      budgets: () => [budget('keep')],
    });
    expect(await refuses()).toEqual([
      `DrainBlocked: Draining worker-1 gave up at once, by the policy for ${text}: apps/a: not now`,
    ]);
    expect(seen.evicted).toEqual(['a 0']);
  });

  it('is not judged by the policy of another budget or of a busy server', async () => {
    const { run, seen } = scene({
      pods: [pod('a'), pod('busy')],
      drain: { policies: [{ namespace: 'apps', budget: 'other', action: 'give-up' }] },
      says: (name, seconds) => {
        if (seconds >= 5) return accepted;
        return name === 'busy' ? { kind: 'busy', message: 'slow', retryAfterMs: 0 } : blocked();
      },
    });
    await run();
    expect(seen.budgets).toBe(0);
    const busy = scene({
      pods: [pod('busy')],
      drain: policy('give-up'),
      says: (_, seconds) => (seconds >= 5 ? accepted : { kind: 'busy', message: 'slow', retryAfterMs: 0 }),
    });
    await busy.run();
    expect(busy.seen.evicted).toEqual(['busy 0', 'busy 5']);
  });

  it.each([
    ['no pod of the budget was taken', budget('keep', { currentHealthy: 0, selector: { matchLabels: { app: 'b' } } })],
    ['what was taken is replaced', budget('keep', { currentHealthy: 2, expectedPods: 2 })],
    ['the busy budget has another name', budget('other', { currentHealthy: 0 })],
    ['the busy budget is of another namespace', budget('keep', { namespace: 'shop', currentHealthy: 0 })],
  ])('is given up when %s', async (_title, one) => {
    const { refuses } = scene({
      pods: [pod('a'), pod('b')],
      drain: policy('give-up'),
      says: (name) => (name === 'a' ? accepted : blocked()),
      budgets: () => [{ ...one }],
    });
    expect(await refuses()).toEqual([expect.stringContaining('gave up at once')]);
  });

  it('is not given up while this drain keeps its budget busy: the other pod leaves, then is replaced', async () => {
    let healthy = 2;
    const { refuses, seen } = scene({
      pods: [pod('a'), pod('b')],
      drain: policy('give-up'),
      says: (name) => (name === 'a' ? accepted : blocked()),
      leaves: (one) => ({ ...one, deleting: true }),
      budgets: () => [budget('keep', { expectedPods: 2, currentHealthy: healthy })],
      onTime: (seconds, there) => {
        if (seconds === 10) there.delete('uid-a');
        healthy = seconds === 10 ? 1 : 2;
      },
    });
    expect(await refuses()).toEqual([expect.stringMatching(/^DrainBlocked: .*apps\/b: not now/)]);
    // At 0 and 5 the other pod is on its way out, at 10 its place is empty, at 15 it is filled.
    expect(seen.evicted).toEqual(['a 0', 'b 0', 'b 5', 'b 10', 'b 15']);
  });

  it('is deleted around its budget when its time has come, and not before, and never evicted again', async () => {
    const { run, seen, world, letGo } = scene({
      pods: [pod('a'), pod('b')],
      drain: policy('delete-after', { afterSeconds: 10 }),
      says: (name) => (name === 'a' ? blocked() : impossible),
      leaves: (one) => ({ ...one, deleting: true }),
      onTime: (seconds, there) => {
        if (seconds === 20) there.clear();
      },
    });
    await run();
    expect(seen.deleted).toEqual(['a 10', 'b 10']);
    expect(seen.evicted).toEqual(['a 0', 'b 0', 'a 5', 'b 5', 'a 10', 'b 10']);
    expect(world.seen.log.filter(({ level }) => level === 'warn')).toHaveLength(2);
    expect(letGo()).toBe(0);
  });

  it('counts a pod that was deleted around its budget as taken by this drain', async () => {
    const { refuses, seen } = scene({
      pods: [pod('a'), pod('b')],
      drain: {
        policies: [
          { namespace: 'apps', budget: 'never', action: 'delete-after', afterSeconds: 0 },
          { namespace: 'apps', budget: 'keep', action: 'give-up' },
        ],
      },
      says: (name) => blocked(name === 'a' ? 'never' : 'keep'),
      budgets: () => [budget('keep', { currentHealthy: seen.evicted.length > 3 ? 1 : 0 })],
    });
    expect(await refuses()).toHaveLength(1);
    expect(seen.deleted).toEqual(['a 0']);
    expect(seen.evicted).toEqual(['a 0', 'b 0', 'b 5', 'b 10']);
  });

  describe('whose owner is to be restarted', () => {
    const owner = {
      kind: 'Deployment',
      namespace: 'apps',
      name: 'web',
      replicas: 1,
      paused: false,
      rolling: { surge: 1, unavailable: 0 },
      restartedAt: null,
    } as const;
    const restarting = (options: Partial<Options> & { readonly paused?: boolean } = {}) => {
      const { paused = false, cluster, ...rest } = options;
      const restarts: string[] = [];
      const made = scene({
        pods: [pod('a')],
        drain: policy('restart-owner'),
        says: () => blocked(),
        cluster: {
          ownerOf: async () => ({ ...owner, paused }),
          restart: async ({ name }) => void restarts.push(name),
          ...cluster,
        },
        ...rest,
      });
      return { ...made, restarts };
    };

    it('has it restarted once, and goes when the budget lets go', async () => {
      const { run, restarts, missing } = restarting({ says: (_, seconds) => (seconds < 15 ? blocked() : accepted) });
      await run();
      expect(restarts).toEqual(['web']);
      expect(missing()[0]).toMatch(/\(not now\), Deployment apps\/web is being restarted$/);
    });

    it('is given up in the end with what was done, when the restart changes nothing', async () => {
      const { refuses, restarts, world } = restarting({ waits: { drainSeconds: 20 } });
      expect(await refuses()).toEqual([
        'DrainBlocked: Draining worker-1 gave up after 20 s: apps/a is held by budget apps/keep: not now; Deployment apps/web is being restarted',
      ]);
      expect([restarts, world.passed()]).toEqual([['web'], 20]);
    });

    it('is given up at once when an earlier Job has used up the time', async () => {
      const { refuses, world } = restarting({
        waits: { drainSeconds: 20 },
        held: { 'uid-a': '2026-11-21T22:59:40.000Z' },
      });
      expect(await refuses()).toEqual([
        expect.stringMatching(/^DrainBlocked: .*; Deployment apps\/web is being restarted$/),
      ]);
      expect(world.passed()).toBe(0);
    });

    it.each([
      ['helps: it is waited for', false, 20, /^DrainBlocked: .*its budget/],
      ['does not help: no waiting does either', true, 0, /^TwoBudgets: .*apps\/one and apps\/two/],
    ])('under two budgets, when that %s', async (_title, paused, seconds, message) => {
      const { refuses, world } = restarting({
        paused,
        waits: { drainSeconds: 20 },
        says: () => impossible,
        budgets: () => [budget('one'), budget('two')],
      });
      expect(await refuses()).toEqual([expect.stringMatching(message)]);
      expect(world.passed()).toBe(seconds);
    });

    it('waits under one budget even when a restart does not help', async () => {
      const { refuses, restarts, world } = restarting({ paused: true, waits: { drainSeconds: 20 } });
      expect(await refuses()).toEqual([
        expect.stringMatching(/^DrainBlocked: .*; restart-owner does not help: Deployment apps\/web is paused$/),
      ]);
      expect([restarts, world.passed()]).toEqual([[], 20]);
    });
  });
});

describe('a drain whose time is over', () => {
  it('says of every pod that is left why it is', async () => {
    const late = { deleting: true, goneBy: '2026-11-21T22:59:00Z' };
    const { refuses, seen, world } = scene({
      pods: [
        pod('held'),
        pod('busy'),
        pod('stuck', late),
        pod('young', { deleting: true, goneBy: '2026-11-21T23:00:00Z', terminationGraceSeconds: 90 }),
        pod('told'),
      ],
      waits: { drainSeconds: 12 },
      leaves: (one) => one,
      says: (name, seconds) => {
        if (name === 'held' && seconds > 0) return blocked();
        return name === 'busy' || name === 'held' ? { kind: 'busy', message: 'slow down', retryAfterMs: 0 } : accepted;
      },
    });
    expect(await refuses()).toEqual([
      'DrainBlocked: Draining worker-1 gave up after 12 s: apps/held is held by budget apps/keep: not now',
      'PodStuck: Draining worker-1 gave up after 12 s: apps/busy could not be evicted: slow down',
      'PodStuck: Draining worker-1 gave up after 12 s: apps/stuck should have been gone at 2026-11-21 22:59:00 UTC (grace 30 s) and is still terminating',
      'PodStuck: Draining worker-1 gave up after 12 s: apps/young is still terminating (grace 90 s)',
      'PodStuck: Draining worker-1 gave up after 12 s: apps/told is still there (grace 30 s)',
    ]);
    expect([world.passed(), seen.closed]).toEqual([15, 1]);
  });

  it('says it also of those that no budget holds, when another was held from its first moment on', async () => {
    const { refuses } = scene({
      pods: [pod('held'), pod('told')],
      waits: { drainSeconds: 12 },
      leaves: (one) => one,
      says: (name) => (name === 'held' ? blocked() : accepted),
    });
    expect(await refuses()).toEqual([
      'DrainBlocked: Draining worker-1 gave up after 12 s: apps/held is held by budget apps/keep: not now',
      'PodStuck: Draining worker-1 gave up after 12 s: apps/told is still there (grace 30 s)',
    ]);
  });

  it('is no refusal when the API server cannot be asked: what is left is not known', async () => {
    const { run, seen } = scene({
      pods: [pod('a')],
      waits: { drainSeconds: 10 },
      says: () => blocked(),
      onTime: (seconds) => {
        if (seconds > 0) throw away;
      },
    });
    expect(await errorOf(run())).toMatchObject({ kind: 'network' });
    expect(seen.closed).toBe(1);
  });
});

it('D06 leaves no eviction on its way when a pause ends the drain, though the API server does not answer it', async () => {
  const told: unknown[] = [];
  const { world, run } = scene({
    pods: [pod('web')],
    cluster: {
      evict: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            told.push(world.passed());
            reject(signal.reason as Error);
          });
        }),
    },
  });
  void world.clock.sleep(60_000).then(() => engageKillSwitch(world));
  expect(await errorOf(run())).toBeInstanceOf(Paused);
  expect(told).toHaveLength(1);
  expect(world.passed()).toBeLessThan(70);
});
