import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { AWAY } from '../../test/support/example-phase.ts';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import type { Clock } from '../clock.ts';
import type { Cluster, LeaseFact } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { LockLost } from '../errors.ts';
import { createLog } from '../log.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { createContext } from './context.ts';
import { Refused } from './outcome.ts';
import { mayTake, RUN_LEASE, type RunLock, takeRunLock } from './run-lock.ts';
import { createWaiter } from './wait.ts';

const held = (holder: string): LeaseFact => ({
  holder,
  durationSeconds: 60,
  generation: 7,
  version: '1',
});

describe('mayTake', () => {
  it.each([
    ['takes a lock that does not exist', undefined, 'job-a-abcde', 0, true],
    ['takes a lock that was given back', held(''), 'job-a-abcde', 0, true],
    ['keeps its own', held('job-a-abcde'), 'job-a-abcde', 0, true],
    ['keeps its own, also outside of a pod', held('laptop, process 12'), 'laptop, process 12', 0, true],
    ['takes over from an earlier pod of the same Job', held('job-a-12345'), 'job-a-abcde', 0, true],
    ['waits for the pod of another Job', held('job-b-12345'), 'job-a-abcde', 59, false],
    [
      'takes over from a holder that has not renewed for its whole duration',
      held('job-b-12345'),
      'job-a-abcde',
      60,
      true,
    ],
    ['waits for the pod of a Job whose name begins with ours', held('job-a-b-12345'), 'job-a-abcde', 0, false],
    ['does not take a person for a pod of a Job', held('job-a-abcde'), 'laptop', 59, false],
    ['does not take two people on one host for the same', held('laptop, process 12'), 'laptop, process 13', 0, false],
  ])('%s', (_, lease, holder, unchanged, expected) => {
    expect(mayTake(lease, holder, unchanged)).toBe(expected);
  });
});

/** A Lease in memory that several want, each from its own machine; and the machines that the API server cannot be reached from. */
function world(start?: LeaseFact) {
  let lease = start;
  let version = 10;
  const clock = virtualClock(Date.parse('2026-11-21T23:00:00Z'));
  const away = new Set<string>();
  const clusterOf = (identity: string) => {
    const ask = async <T>(answer: () => T): Promise<T> => {
      if (away.has(identity)) throw AWAY;
      return answer();
    };
    return {
      lease: () => ask(() => lease),
      leases: () => ask(() => new Map<string, LeaseFact>()),
      writeLease: (_: string, next: Omit<LeaseFact, 'version'>, at: string | undefined) =>
        ask(() => {
          if (at !== lease?.version) return false;
          version += 1;
          lease = { ...next, version: String(version) };
          return true;
        }),
    };
  };
  const log = createLog({ format: 'text', write: () => undefined, now: clock.now });
  const signal = new AbortController().signal;
  const take = async (identity: string, own: Clock = clock) => {
    const deps = { cluster: clusterOf(identity), clock: own, log, identity, settings: parseSettings('', 'test') };
    const waiter = createWaiter({ clock: own, log, pollSeconds: 5, signal, mayGoOn: () => Promise.resolve() });
    return await takeRunLock(deps as unknown as Parameters<typeof takeRunLock>[0], waiter, signal);
  };
  return {
    take,
    away,
    lease: () => lease,
    steal: () => {
      version += 1;
      lease = { holder: 'thief-x', durationSeconds: 60, generation: 99, version: String(version) };
    },
    remove: () => void (lease = undefined),
    clock,
  };
}

const isLost = (lock: RunLock): Promise<void> =>
  new Promise((resolve) => lock.lost.addEventListener('abort', () => resolve()));

describe('takeRunLock', () => {
  it('takes a free lock and gives it back', async () => {
    const { take, lease } = world();
    const lock = await take('job-a-abcde');
    expect(lease()?.holder).toBe('job-a-abcde');
    await lock.release();
    expect(lease()?.holder).toBe('');
  });

  it('waits out a holder that is dead, and no shorter than its duration', async () => {
    const { take, lease, clock } = world(held('job-b-12345'));
    const started = clock.now().getTime();
    const lock = await take('job-a-abcde');
    expect(clock.now().getTime() - started).toBeGreaterThanOrEqual(60_000);
    expect(lease()?.holder).toBe('job-a-abcde');
    await lock.release();
  });

  it('says that it is lost when somebody else took it over', async () => {
    const { take, steal, lease } = world();
    const lock = await take('job-a-abcde');
    steal();
    await isLost(lock);
    expect(String(lock.lost.reason)).toContain('thief-x holds it now');
    expect(lock.lost.reason).toMatchObject({ lapsed: false });
    await lock.release();
    expect(lease()?.holder).toBe('thief-x');
  });

  it('does not take over early because the clock of its machine was set', async () => {
    const { take, clock } = world(held('job-b-12345'));
    const taking = take('job-a-abcde');
    await clock.sleep(10_000);
    clock.jump(120_000);
    const lock = await taking;
    expect(clock.passed()).toBeGreaterThanOrEqual(60_000);
    await lock.release();
  });
});

describe('the generation of the lock', () => {
  it('is the time at which it was taken, and stays when it is renewed and given back', async () => {
    const { take, lease, clock } = world();
    const taken = clock.now().getTime();
    const lock = await take('job-a-abcde');
    expect(lock.fence).toEqual({ generation: taken, holder: 'job-a-abcde' });
    const { version } = lease() ?? {};
    await clock.sleep(50_000);
    expect(lease()).toMatchObject({ generation: taken });
    expect(lease()?.version).not.toBe(version);
    await lock.release();
    expect(lease()).toMatchObject({ holder: '', generation: taken });
  });

  it('goes up with every holder, whatever the clocks of their machines say', async () => {
    const { take, clock } = world();
    const behind: Clock = { ...clock, now: () => new Date(clock.now().getTime() - 3_600_000) };
    const generations: number[] = [];
    for (const own of [clock, behind, behind, clock]) {
      const lock = await take('job-a-abcde', own);
      generations.push(lock.fence.generation);
      await lock.release();
    }
    expect(generations).toEqual(generations.toSorted((one, other) => one - other));
    expect(new Set(generations).size).toBe(4);
  });

  it('does not go back when a person has deleted the Lease, as the remedy says', async () => {
    const { take, remove, clock } = world();
    const first = await take('job-a-abcde');
    await clock.sleep(1000);
    remove();
    const second = await take('job-b-12345');
    expect(second.fence.generation).toBeGreaterThan(first.fence.generation);
    await second.release();
    await first.release();
  });
});

describe('a holder that cannot renew', () => {
  it('stops by itself before anybody else can have the lock', async () => {
    const { take, away, lease, clock } = world();
    const first = await take('job-a-abcde');
    away.add('job-a-abcde');
    const taking = take('job-b-12345');
    await isLost(first);
    expect(clock.passed()).toBe(40_000);
    expect(lease()?.holder).toBe('job-a-abcde');
    expect(first.lost.reason).toBeInstanceOf(LockLost);
    expect(first.lost.reason).toMatchObject({
      kind: 'network',
      lapsed: true,
      message:
        'keeping the lock of the chain: it could not be renewed for 40 s, and after 60 s anybody may take it over: listing nodes: connect ECONNREFUSED',
    });
    const second = await taking;
    expect(lease()?.holder).toBe('job-b-12345');
    await first.release();
    expect(lease()?.holder).toBe('job-b-12345');
    await second.release();
  });

  it('stops also when its requests get no answer at all', async () => {
    const { world: example, take, until } = bench();
    const lock = await take();
    Object.assign(example.deps.cluster, { lease: () => new Promise(() => undefined) });
    await until(() => lock.lost.aborted);
    expect(example.passed()).toBe(40);
  });

  it('takes an answer that is none of the API server for no loss, while there is time', async () => {
    const { world: example, take, until, seconds } = bench();
    const lock = await take();
    const { lease } = example.deps.cluster;
    const page = (): Promise<never> => Promise.reject(new Error('reading the Lease: a page of HTML'));
    Object.assign(example.deps.cluster, { lease: page });
    await seconds(30);
    Object.assign(example.deps.cluster, { lease });
    await seconds(60);
    expect(lock.lost.aborted).toBe(false);
    Object.assign(example.deps.cluster, { lease: page });
    await until(() => lock.lost.aborted);
    expect(String(lock.lost.reason)).toContain('anybody may take it over: reading the Lease: a page of HTML');
  });

  it('goes on when the API server is back in time', async () => {
    const { take, away, clock } = world();
    const lock = await take('job-a-abcde');
    away.add('job-a-abcde');
    await clock.sleep(39_000);
    away.clear();
    await clock.sleep(60_000);
    lock.assertHeld();
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
  });

  it.each([
    ['39 s', 39_000, false],
    ['40 s', 40_000, true],
    ['eight hours', 28_800_000, true],
  ])(
    'is told at once when its machine was suspended for %s, which a monotonic clock does not see',
    async (_, ms, lost) => {
      const { take, clock } = world();
      const lock = await take('job-a-abcde');
      clock.jump(ms);
      // Before any timer had a chance.
      if (lost) expect(() => lock.assertHeld()).toThrow(LockLost);
      else lock.assertHeld();
      expect(lock.lost.aborted).toBe(lost);
      await lock.release();
    },
  );

  it('is told when its wall clock was set back meanwhile', async () => {
    const { take, away, clock } = world();
    const lock = await take('job-a-abcde');
    away.add('job-a-abcde');
    clock.jump(-3_600_000);
    await isLost(lock);
    expect(clock.passed()).toBe(40_000);
    await lock.release();
  });
});

/** As a Job has it: pod-a with the settings. */
function bench(cluster: Partial<Cluster> = {}, settings: object = {}) {
  const world = exampleWorld({ cluster, settings });
  const stop = new AbortController();
  const { waiter } = createContext({ phase: 'preflight' }, '1.36.4', world.deps, stop.signal);
  const seconds = (count: number): Promise<void> => world.clock.sleep(count * 1000);
  const until = async (reached: () => boolean): Promise<void> => {
    for (let second = 0; second < 300 && !reached(); second += 1) await seconds(1);
    expect(reached()).toBe(true);
  };
  const warnings = () => world.seen.log.filter(({ level }) => level !== 'info').map(({ message }) => message);
  return { world, stop, seconds, until, warnings, take: () => takeRunLock(world.deps, waiter, stop.signal) };
}

describe('a lock that is not to be had', () => {
  it('is refused with the name of a holder that keeps renewing it', async () => {
    let version = 0;
    const { world, take } = bench(
      {
        lease: async () => ({
          holder: 'job-b-12345',
          durationSeconds: 60,
          generation: 7,
          version: `${(version += 1)}`,
        }),
      },
      { waits: { alertSeconds: 600 }, namespace: 'upgrades' },
    );
    const error: unknown = await take().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).findings).toEqual([
      {
        check: 'lock',
        reason: 'LockHeld',
        class: 'actionable',
        severity: 'block',
        message: 'waiting 600 s for the lock of the chain: job-b-12345 holds it',
        remedy:
          'Let it end, or see whether it is still alive; kubectl -n upgrades delete lease k8s-upgrade-chain frees the lock.',
      },
    ]);
    expect(world.passed()).toBe(600);
  });

  it('is refused when somebody else is first every time', async () => {
    const { take } = bench({ writeLease: async () => false }, { waits: { alertSeconds: 60 } });
    await expect(take()).rejects.toThrow('waiting 60 s for the lock of the chain: somebody else took it just now');
  });

  it.each([
    ['an API server that says no', new ClusterError('reading the lock: 403', { status: 403, reason: 'Forbidden' })],
    ['a fault that nobody foresaw', new TypeError('x is not a function')],
  ])('fails by %s, and is not taken for held', async (_, error) => {
    await expect(bench({ lease: () => Promise.reject(error) }).take()).rejects.toBe(error);
  });

  it('fails by an API server that stays away as what is worth another try', async () => {
    const { take } = bench({ lease: () => Promise.reject(AWAY) }, { waits: { alertSeconds: 60 } });
    await expect(take()).rejects.toMatchObject({ kind: 'network' });
  });
});

describe('a lock that is held', () => {
  it('is written with its duration and renewed three times within it', async () => {
    const writes: unknown[][] = [];
    const { world, take, until } = bench(
      {
        writeLease: async (name, lease, version) => {
          writes.push([world.passed(), name, lease.holder, lease.durationSeconds, version]);
          world.lease = { ...lease, version: `${writes.length}` };
          return true;
        },
      },
      { waits: { lockSeconds: 90 } },
    );
    const lock = await take();
    await until(() => writes.length >= 4);
    await lock.release();
    expect(writes.slice(0, 4)).toEqual([
      [0, RUN_LEASE, 'pod-a', 90, undefined],
      [30, RUN_LEASE, 'pod-a', 90, '1'],
      [60, RUN_LEASE, 'pod-a', 90, '2'],
      [90, RUN_LEASE, 'pod-a', 90, '3'],
    ]);
    expect(writes.slice(4).map(([, , holder]) => holder)).toEqual(['']);
  });

  it('is not lost by an answer that was lost: the API server then says that somebody has written it', async () => {
    const { world, take, seconds, warnings } = bench();
    const write = world.deps.cluster.writeLease;
    const lock = await take();
    let lose = true;
    Object.assign(world.deps.cluster, {
      writeLease: async (...call: Parameters<typeof write>) => {
        const written = await write(...call);
        if (!lose) return written;
        lose = false;
        return false;
      },
    });
    await seconds(100);
    expect(lose).toBe(false);
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
    expect(world.lease?.holder).toBe('');
    expect(warnings()).toEqual([]);
  });

  it.each<[string, Partial<Cluster>, string]>([
    ['somebody has deleted it', { lease: async () => undefined }, 'nobody'],
    [
      'a later process of the same name has taken it',
      { lease: async () => ({ holder: 'pod-a', durationSeconds: 60, generation: 99_999_999_999_999, version: '7' }) },
      'pod-a',
    ],
    [
      'somebody has given it back',
      { lease: async () => ({ holder: '', durationSeconds: 60, generation: 7, version: '7' }) },
      'nobody',
    ],
  ])('is lost when %s, and then not given back', async (_, cluster, holder) => {
    const { world, take, seconds, until, warnings } = bench();
    const lock = await take();
    let later = 0;
    Object.assign(world.deps.cluster, {
      writeLease: async () => {
        later += 1;
        return false;
      },
      ...cluster,
    });
    await until(() => lock.lost.aborted);
    expect(lock.lost.reason).toMatchObject({
      kind: 'network',
      message: `keeping the lock of the chain: ${holder} holds it now`,
      remedy: 'Nothing to do: this Job stops, and its next try waits for the lock.',
    });
    const before = later;
    await lock.release();
    await seconds(100);
    expect(later).toBe(before);
    expect(warnings()).toEqual(['the lock of the chain is lost']);
  });

  it('is kept when the process is stopped, so that the next pod of its Job takes it over', async () => {
    const { world, stop, take } = bench();
    const lock = await take();
    await world.clock.sleep(19_000);
    stop.abort(new Error('stopped by SIGTERM'));
    // As long as what was begun may take to be taken back; and no longer, should nobody release it.
    await world.clock.sleep(39_000);
    lock.assertHeld();
    const { version } = world.lease ?? {};
    await world.clock.sleep(120_000);
    expect(world.lease?.version).toBe(version);
    await lock.release();
    expect(world.lease?.holder).toBe('pod-a');
    expect(lock.lost.aborted).toBe(false);
  });

  it('is not lost by being given back in the middle of a renewal', async () => {
    let hang = false;
    const { world, take, until, warnings } = bench({
      lease: (_, signal) => {
        if (!hang) return Promise.resolve(world.lease);
        hang = false;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    });
    const lock = await take();
    hang = true;
    await until(() => !hang);
    await lock.release();
    expect(lock.lost.aborted).toBe(false);
    expect(world.lease?.holder).toBe('');
    expect(warnings()).toEqual([]);
  });

  it('makes nothing fail when it cannot be given back', async () => {
    const { world, take, warnings } = bench();
    const lock = await take();
    Object.assign(world.deps.cluster, { lease: () => Promise.reject(new Error('403 Forbidden')) });
    await lock.release();
    expect(warnings()).toEqual(['the lock could not be given back']);
  });
});
