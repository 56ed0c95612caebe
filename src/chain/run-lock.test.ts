import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { AWAY } from '../../test/support/example-phase.ts';
import type { Cluster, LeaseFact } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { createLog } from '../log.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { createContext } from './context.ts';
import { Refused } from './outcome.ts';
import { mayTake, RUN_LEASE, takeRunLock } from './run-lock.ts';
import { createWaiter } from './wait.ts';

const held = (holder: string): LeaseFact => ({ holder, durationSeconds: 60, version: '1' });

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

/** A Lease in memory and a clock that only sleeps move. */
function world(start?: LeaseFact) {
  let lease = start;
  let version = 10;
  let now = Date.parse('2026-11-21T23:00:00Z');
  const clock = {
    now: () => new Date(now),
    sleep: async (ms: number, signal?: AbortSignal) => {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      now += ms;
    },
  };
  const cluster = {
    lease: () => Promise.resolve(lease),
    writeLease: (_: string, next: { holder: string; durationSeconds: number }, at: string | undefined) => {
      if (at !== lease?.version) return Promise.resolve(false);
      version += 1;
      lease = { ...next, version: String(version) };
      return Promise.resolve(true);
    },
  };
  const log = createLog({ format: 'text', write: () => undefined, now: clock.now });
  const signal = new AbortController().signal;
  const take = async (identity: string) => {
    const deps = { cluster, clock, log, identity, settings: parseSettings('', 'test') };
    const waiter = createWaiter({ clock, log, pollSeconds: 5, signal, mayGoOn: () => Promise.resolve() });
    return await takeRunLock(deps as unknown as Parameters<typeof takeRunLock>[0], waiter, signal);
  };
  return {
    take,
    lease: () => lease,
    steal: () => {
      version += 1;
      lease = { holder: 'thief-x', durationSeconds: 60, version: String(version) };
    },
    clock,
  };
}

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
    await new Promise<void>((resolve) => lock.lost.addEventListener('abort', () => resolve()));
    expect(String(lock.lost.reason)).toContain('thief-x holds it now');
    await lock.release();
    expect(lease()?.holder).toBe('thief-x');
  });
});

/** As a Job has it: pod-a with the settings. Each turn of the event loop is a third of the lock's duration. */
function bench(cluster: Partial<Cluster> = {}, settings: object = {}) {
  const world = exampleWorld({ cluster, settings });
  const stop = new AbortController();
  const { waiter } = createContext({ phase: 'preflight' }, '1.36.4', world.deps, stop.signal);
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const until = async (reached: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 50 && !reached(); turn += 1) await turns(1);
    expect(reached()).toBe(true);
  };
  const warnings = () => world.seen.log.filter(({ level }) => level !== 'info').map(({ message }) => message);
  return { world, stop, turns, until, warnings, take: () => takeRunLock(world.deps, waiter, stop.signal) };
}

describe('a lock that is not to be had', () => {
  it('is refused with the name of a holder that keeps renewing it', async () => {
    let version = 0;
    const { world, take } = bench(
      { lease: async () => ({ holder: 'job-b-12345', durationSeconds: 60, version: `${(version += 1)}` }) },
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

  it('is not lost while the API server is away', async () => {
    let away = false;
    let asked = 0;
    const { world, take, turns, warnings } = bench({
      lease: async () => {
        if (away) throw AWAY;
        asked += 1;
        return world.lease;
      },
    });
    const lock = await take();
    away = true;
    await turns(5);
    away = false;
    const before = asked;
    await turns(5);
    expect(asked).toBeGreaterThan(before);
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
    expect(world.lease?.holder).toBe('');
    expect(warnings()).toEqual([]);
  });

  it.each<[string, Partial<Cluster>, string]>([
    ['somebody has deleted it', { lease: async () => undefined }, 'nobody'],
    [
      'somebody else has written it meanwhile',
      { writeLease: async (_, { holder }, version) => holder === 'pod-a' && version === undefined },
      'pod-a',
    ],
    [
      'somebody has given it back',
      { lease: async () => ({ holder: '', durationSeconds: 60, version: '7' }) },
      'nobody',
    ],
  ])('is lost when %s, and then not given back', async (_, cluster, holder) => {
    const { world, take, turns, until, warnings } = bench();
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
    await turns(5);
    expect(later).toBe(before);
    expect(warnings()).toEqual(['the lock of the chain is lost']);
  });

  it('is kept when the process is stopped, so that the next pod of its Job takes it over', async () => {
    const { world, stop, take } = bench();
    const lock = await take();
    stop.abort(new Error('stopped by SIGTERM'));
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
