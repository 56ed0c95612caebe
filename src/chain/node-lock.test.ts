import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import type { Clock } from '../clock.ts';
import type { LeaseFact } from '../cluster/cluster.ts';
import { createLog } from '../log.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { Refused } from './outcome.ts';
import { nodeLease, RUN_LEASE, type RunLock, takeNodeLock, takeRunLock } from './run-lock.ts';
import { createWaiter } from './wait.ts';

/** Leases in memory that several want; each request takes as long as `delay` says. */
function world(delay: () => number = () => 0) {
  const leases = new Map<string, LeaseFact>();
  let version = 10;
  const clock = virtualClock(Date.parse('2026-11-21T23:00:00Z'));
  const later = async <T>(answer: () => T): Promise<T> => {
    const ms = delay();
    if (ms > 0) await clock.sleep(ms);
    return answer();
  };
  const cluster = {
    lease: (name: string) => later(() => leases.get(name)),
    leases: () => later(() => new Map(leases)),
    writeLease: (name: string, next: Omit<LeaseFact, 'version'>, at: string | undefined) =>
      later(() => {
        if (at !== leases.get(name)?.version) return false;
        version += 1;
        leases.set(name, { ...next, version: String(version) });
        return true;
      }),
  };
  const log = createLog({ format: 'text', write: () => undefined, now: clock.now });
  const signal = new AbortController().signal;
  const parts = (identity: string, own: Clock) => {
    const deps = { cluster, clock: own, log, identity, settings: parseSettings('', 'test') };
    const waiter = createWaiter({ clock: own, log, pollSeconds: 5, signal, mayGoOn: () => Promise.resolve() });
    return [deps as unknown as Parameters<typeof takeRunLock>[0], waiter, signal] as const;
  };
  return {
    leases,
    clock,
    takeNode: (node: string, own: Clock = clock) => takeNodeLock(...parts(`job-${node}-abcde`, own), node),
    takeChain: (own: Clock = clock, identity = 'chain-abcde') => takeRunLock(...parts(identity, own)),
    takeLook: (identity: string) => takeRunLock(...parts(identity, clock), { besideNodes: true }),
  };
}

const HOUR = 3_600_000;

describe('the locks of nodes', () => {
  it('are held beside each other, have names of their own that a label can hold, and are given back', async () => {
    const { takeNode, leases } = world();
    const name = `${'w'.repeat(70)}.example.org`;
    const locks = [await takeNode('w-1'), await takeNode('w-2'), await takeNode(name)];
    expect(leases.get('k8s-upgrade-node-w-1')?.holder).toBe('job-w-1-abcde');
    expect(nodeLease(name)).toMatch(/^[a-z0-9-]{1,63}$/);
    expect(leases.size).toBe(3);
    for (const lock of locks) await lock.release();
    expect([...leases.values()].map(({ holder }) => holder)).toEqual(['', '', '']);
  });

  it('are waited for by whoever wants that of the chain, which nobody passes by then', async () => {
    const { takeNode, takeChain, leases, clock } = world();
    const node = await takeNode('w-1');
    let chain: RunLock | undefined;
    const taking = takeChain().then((lock) => (chain = lock));
    await clock.sleep(20_000);
    let other: RunLock | undefined;
    const late = takeNode('w-2').then((lock) => (other = lock));
    await clock.sleep(60_000);
    expect([chain, other]).toEqual([undefined, undefined]);
    expect(leases.get(RUN_LEASE)?.holder).toBe('chain-abcde');
    await node.release();
    const taken = await taking;
    await clock.sleep(60_000);
    expect(other).toBeUndefined();
    await taken.release();
    await (await late).release();
  });

  it('are looked past by whoever only starts the next Jobs', async () => {
    const { takeNode, takeLook, clock } = world();
    const node = await takeNode('w-1');
    const look = await takeLook('job-w-2-abcde');
    expect(clock.passed()).toBe(0);
    await look.release();
    await node.release();
  });

  it('that nobody gives back keep nothing of the lock of the chain with whoever gave up', async () => {
    const { takeNode, takeChain, leases } = world();
    const node = await takeNode('w-1');
    const error: unknown = await takeChain().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).findings[0]?.message).toBe(
      'waiting 1800 s for the lock of the chain: still at work: job-w-1-abcde',
    );
    expect(leases.get(RUN_LEASE)?.holder).toBe('');
    await node.release();
  });

  it('run out with their holders', async () => {
    const { leases, takeChain, clock } = world();
    leases.set(nodeLease('w-1'), { holder: 'dead-abcde', durationSeconds: 60, generation: 7, version: '1' });
    const chain = await takeChain();
    expect(clock.passed()).toBeGreaterThanOrEqual(60_000);
    await chain.release();
  });

  it('have generations above those of the chain before them, and below those after them, whatever the clocks say', async () => {
    const { takeNode, takeChain, clock } = world();
    const behind: Clock = { ...clock, now: () => new Date(clock.now().getTime() - HOUR) };
    const generations: number[] = [];
    const turn = async (taking: Promise<RunLock>): Promise<void> => {
      const lock = await taking;
      generations.push(lock.fence.generation);
      await lock.release();
    };
    await turn(takeChain());
    await turn(takeNode('w-1', behind));
    await turn(takeChain(behind));
    await turn(takeNode('w-1', behind));
    await turn(takeChain(behind));
    expect(generations).toEqual(generations.toSorted((one, other) => one - other));
    expect(new Set(generations).size).toBe(5);
  });

  it('are never held while somebody is alone, however long each request takes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 0, max: 4000 })), async (delays) => {
        const { takeNode, takeChain, clock } = world(() => delays.next().value ?? 0);
        const held = new Set<string>();
        const clashes: string[] = [];
        const stay = async (name: string, taking: () => Promise<RunLock>, startMs: number): Promise<void> => {
          await clock.sleep(startMs);
          const lock = await taking();
          held.add(name);
          if (held.has('chain') && held.size > 1) clashes.push([...held].join(' and '));
          await clock.sleep(3000);
          held.delete(name);
          await lock.release();
        };
        await Promise.all([
          stay('chain', () => takeChain(), delays.next().value ?? 0),
          stay('w-1', () => takeNode('w-1'), delays.next().value ?? 0),
          stay('w-2', () => takeNode('w-2'), delays.next().value ?? 0),
        ]);
        expect(clashes).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
