import { describe, expect, it } from 'vitest';
import type { LeaseFact } from '../cluster/cluster.ts';
import { createLog } from '../log.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { mayTake, takeRunLock } from './run-lock.ts';
import { createWaiter } from './wait.ts';

const held = (holder: string): LeaseFact => ({ holder, durationSeconds: 60, version: '1' });

describe('mayTake', () => {
  it.each([
    ['takes a lock that does not exist', undefined, 'job-a-abcde', 0, true],
    ['takes a lock that was given back', held(''), 'job-a-abcde', 0, true],
    ['keeps its own', held('job-a-abcde'), 'job-a-abcde', 0, true],
    ['takes over from an earlier pod of the same Job', held('job-a-12345'), 'job-a-abcde', 0, true],
    ['waits for the pod of another Job', held('job-b-12345'), 'job-a-abcde', 59, false],
    [
      'takes over from a holder that has not renewed for its whole duration',
      held('job-b-12345'),
      'job-a-abcde',
      60,
      true,
    ],
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
