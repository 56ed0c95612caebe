import { longestSince, type Moment, momentOf } from '../clock.ts';
import type { LeaseFact } from '../cluster/cluster.ts';
import type { Deps } from '../deps.ts';
import { LockLost, NightliftError, reasonOf } from '../errors.ts';
import type { Fence } from '../node/fence.ts';
import { someOf } from '../some-of.ts';
import { Refused } from './outcome.ts';
import { nodeName } from './step.ts';
import type { Probe, Waiter } from './wait.ts';

export const RUN_LEASE = 'k8s-upgrade-chain';
const NODE_LEASES = 'k8s-upgrade-node';
const CHAIN: Named = { lease: RUN_LEASE, what: 'the lock of the chain' };
/** The random end of a Job's pod name. */
const POD_SUFFIX = /-[a-z0-9]{5}$/;

export interface RunLock {
  readonly fence: Fence;
  /** Aborted with a LockLost, when somebody else took the lock over or may have: then this process must not change anything any more. */
  readonly lost: AbortSignal;
  /** Looks at the clocks now. @throws LockLost when the lock is not this process's any more, or may not be. */
  assertHeld(): void;
  /** Gives it back, unless `by` is aborted. Does not fail. */
  release(by?: AbortSignal): Promise<void>;
}

/**
 * Whether a lock may be taken now. A pod may take over from an earlier pod of its own Job at once, because a Job never
 * has two pods at a time (podReplacementPolicy Failed); from anybody else only when the holder has not renewed for its
 * whole duration, measured by the observer's own clock.
 */
export function mayTake(lease: LeaseFact | undefined, holder: string, unchangedSeconds: number): boolean {
  if (lease === undefined || lease.holder === '' || lease.holder === holder) return true;
  const job = (name: string): string | undefined => (POD_SUFFIX.test(name) ? name.replace(POD_SUFFIX, '') : undefined);
  const own = job(holder);
  return (own !== undefined && own === job(lease.holder)) || unchangedSeconds >= lease.durationSeconds;
}

type LockDeps = Pick<Deps, 'cluster' | 'clock' | 'settings' | 'identity' | 'log'>;

/** The Lease of a worker that goes beside others. */
export function nodeLease(node: string): string {
  return nodeName(NODE_LEASES, node);
}

/**
 * Takes the lock of the chain, waiting for whoever holds it; then, unless it is only for a look (`besideNodes`), for everybody who holds
 * the lock of a node. Each of the two writes its own Lease before it reads the other's, so that at least one sees the other; this one
 * goes first. @throws Refused with the holder's name when it is not let go in time.
 */
export async function takeRunLock(
  deps: LockDeps,
  waiter: Waiter,
  signal: AbortSignal,
  { besideNodes = false }: { readonly besideNodes?: boolean } = {},
): Promise<RunLock> {
  const { cluster, clock, identity: holder } = deps;
  const isFree = freeByClock(deps);
  let least = 0;
  return await takeLock(deps, waiter, signal, CHAIN, async (given, write) => {
    const lease = await cluster.lease(RUN_LEASE, given);
    if (!isFree(RUN_LEASE, lease)) return { done: false, missing: `${lease?.holder ?? ''} holds it` };
    const taken = { generation: Math.max(nextGeneration(lease, clock.now()), least), at: momentOf(clock) };
    if (!(await write(taken.generation, lease?.version, given))) return TAKEN_JUST_NOW;
    if (besideNodes) return { done: true, value: taken };
    const nodes = [...(await cluster.leases(given))].filter(([name]) => name.startsWith(`${NODE_LEASES}-`));
    const held = nodes.filter(([name, one]) => one.holder !== holder && !isFree(name, one));
    if (held.length > 0) return { done: false, missing: `still at work: ${someOf(held.map(([, one]) => one.holder))}` };
    // Nodes that these have changed refuse whoever has an older generation.
    least = Math.max(0, ...nodes.map(([, { generation }]) => generation + 1));
    return taken.generation >= least ? { done: true, value: taken } : TAKEN_JUST_NOW;
  });
}

/** Takes the lock of one node, while nobody has that of the chain. @throws Refused, as `takeRunLock`. */
export async function takeNodeLock(
  deps: LockDeps,
  waiter: Waiter,
  signal: AbortSignal,
  node: string,
): Promise<RunLock> {
  const { cluster, clock } = deps;
  const name = nodeLease(node);
  const isFree = freeByClock(deps);
  return await takeLock(
    deps,
    waiter,
    signal,
    { lease: name, what: `the lock of ${node}` },
    async (given, write, letGo) => {
      const run = await cluster.lease(RUN_LEASE, given);
      if (!isFree(RUN_LEASE, run)) return { done: false, missing: `${run?.holder ?? ''} holds that of the chain` };
      const lease = await cluster.lease(name, given);
      if (!isFree(name, lease)) return { done: false, missing: `${lease?.holder ?? ''} holds it` };
      // Above that of whoever had the lock of the chain, and may have changed this node.
      const generation = Math.max(nextGeneration(lease, clock.now()), (run?.generation ?? 0) + 1);
      const at = momentOf(clock);
      if (!(await write(generation, lease?.version, given))) return TAKEN_JUST_NOW;
      const after = await cluster.lease(RUN_LEASE, given);
      if (isFree(RUN_LEASE, after) && (after?.generation ?? 0) < generation)
        return { done: true, value: { generation, at } };
      await letGo(given);
      return { done: false, missing: `${after?.holder ?? ''} has taken that of the chain just now` };
    },
  );
}

const TAKEN_JUST_NOW = { done: false, missing: 'somebody else took it just now' } as const;

/** Whether a Lease may be taken, by how long it was seen unchanged. */
function freeByClock({ clock, identity }: LockDeps): (name: string, lease: LeaseFact | undefined) => boolean {
  const seen = new Map<string, { readonly version: string; readonly at: number }>();
  return (name, lease) => {
    // Of the two clocks the one by which less may have passed: nobody loses the lock to a clock that was set.
    const now = clock.monotonic();
    if (lease !== undefined && seen.get(name)?.version !== lease.version)
      seen.set(name, { version: lease.version, at: now });
    return mayTake(lease, identity, (now - (seen.get(name)?.at ?? now)) / 1000);
  };
}

interface Named {
  readonly lease: string;
  /** In messages. */
  readonly what: string;
}

interface Taken {
  readonly generation: number;
  readonly at: Moment;
}

type Write = (generation: number, version: string | undefined, signal: AbortSignal) => Promise<boolean>;

/** Tries until it is taken, and keeps it then. What was written on the way to a lock that is not to be had is given back. */
async function takeLock(
  deps: LockDeps,
  waiter: Waiter,
  signal: AbortSignal,
  named: Named,
  attempt: (signal: AbortSignal, write: Write, letGo: (signal: AbortSignal) => Promise<void>) => Promise<Probe<Taken>>,
): Promise<RunLock> {
  const { cluster, identity: holder, settings } = deps;
  const durationSeconds = settings.waits.lockSeconds;
  let written: number | undefined;
  const write: Write = async (generation, version, given) => {
    const isWritten = await cluster.writeLease(named.lease, { holder, durationSeconds, generation }, version, given);
    if (isWritten) written = generation;
    return isWritten;
  };
  const letGo = async (given: AbortSignal): Promise<void> => {
    const lease = written === undefined ? undefined : await cluster.lease(named.lease, given);
    if (lease?.holder !== holder || lease.generation !== written) return;
    const { generation, version } = lease;
    await cluster.writeLease(named.lease, { holder: '', durationSeconds, generation }, version, given);
  };
  try {
    const { generation, at } = await waiter.until(named.what, (_, given) => attempt(given, write, letGo), {
      seconds: settings.waits.alertSeconds,
      remedy: '',
    });
    return keepLock(deps, named, { holder, generation }, durationSeconds, at, signal);
  } catch (error) {
    // The next pod of the Job takes it over; without one it runs out.
    if (!signal.aborted) await letGo(signal).catch(() => undefined);
    if (!(error instanceof NightliftError) || error.kind !== 'timeout') throw error;
    throw new Refused([
      {
        check: 'lock',
        reason: 'LockHeld',
        class: 'actionable',
        severity: 'block',
        message: error.message,
        remedy: `Let it end, or see whether it is still alive; kubectl -n ${settings.namespace} delete lease ${named.lease} frees the lock.`,
      },
    ]);
  }
}

/** Higher than that of the holder before, whatever the clocks say; and without a Lease, which a person may delete, by the clock. */
export function nextGeneration(before: LeaseFact | undefined, now: Date): number {
  return Math.max(now.getTime(), (before?.generation ?? 0) + 1);
}

/** The part of its duration after which a lock that was not renewed counts as lost; the rest is for what is still on its way. */
const HELD_FOR = 2 / 3;
const LONGEST_TICK_MS = 1000;

function keepLock(
  { cluster, clock, log }: Pick<Deps, 'cluster' | 'clock' | 'log'>,
  { lease: name, what }: Named,
  fence: Fence,
  durationSeconds: number,
  takenAt: Moment,
  signal: AbortSignal,
): RunLock {
  const durationMs = durationSeconds * 1000;
  const lost = new AbortController();
  const stop = new AbortController();
  const over = AbortSignal.any([stop.signal, lost.signal]);
  const ended = AbortSignal.any([signal, over]);
  /** When the last write that went through was begun. */
  let renewedAt = takenAt;
  /** Why it was not renewed when that was tried last; empty when nothing has come back. */
  let because = '';

  const lose = (error: LockLost): void => {
    if (lost.signal.aborted) return;
    // One that ran out is taken anew: on a single control plane each restart of the API server may come to that.
    log[error.lapsed ? 'warn' : 'error'](`${what} is lost`, { error: error.message });
    lost.abort(error);
  };
  const lookAtClock = (): void => {
    const silent = longestSince(renewedAt, clock);
    if (silent >= durationMs * HELD_FOR) lose(lapsed(what, silent, durationSeconds, because));
  };
  /** false: the API server says that somebody has written it meanwhile. It may have been this process: an answer can get lost. */
  const write = async (holder: string, by: AbortSignal): Promise<boolean> => {
    const at = momentOf(clock);
    const lease = await cluster.lease(name, by);
    if (lease?.holder !== fence.holder || lease.generation !== fence.generation) throw takenOver(what, lease);
    const next = { holder, durationSeconds, generation: fence.generation };
    const isWritten = await cluster.writeLease(name, next, lease.version, by);
    if (isWritten) {
      renewedAt = at;
      because = '';
    }
    return isWritten;
  };
  const renew = async (by: AbortSignal): Promise<void> => {
    try {
      await write(fence.holder, by);
    } catch (error) {
      if (by.aborted) return;
      // Only the Lease itself says that it is lost. Whatever else comes back may pass while there is time.
      if (error instanceof LockLost) lose(error);
      else because = reasonOf(error);
    }
  };
  /** Resolves when nothing of it is under way any more. */
  const keeping = (async () => {
    let renewal: Promise<void> | undefined;
    try {
      for (;;) {
        await clock.sleep(Math.min(LONGEST_TICK_MS, durationMs / 12), ended);
        lookAtClock();
        if (renewal === undefined && longestSince(renewedAt, clock) >= durationMs / 3)
          renewal = renew(ended).finally(() => {
            renewal = undefined;
          });
      }
    } catch {
      await renewal;
      // The process is to stop. A last time: what was begun may have to be taken back under the lock.
      if (!over.aborted) await renew(over);
    }
  })();
  return {
    fence,
    lost: lost.signal,
    assertHeld() {
      lookAtClock();
      lost.signal.throwIfAborted();
    },
    async release(by = signal) {
      stop.abort();
      await keeping;
      // A lock that is not given back is taken over later: no reason to fail.
      if (!lost.signal.aborted && !by.aborted)
        await write('', by).catch((error: unknown) =>
          log.warn('the lock could not be given back', { error: reasonOf(error) }),
        );
    },
  };
}

function lapsed(what: string, silentMs: number, durationSeconds: number, because: string): LockLost {
  return new LockLost(
    `keeping ${what}: it could not be renewed for ${Math.round(silentMs / 1000)} s, and after ${durationSeconds} s anybody may take it over${because === '' ? '' : `: ${because}`}`,
    {
      lapsed: true,
      remedy:
        'Nothing to do: the lock is taken anew. When it happens often, see whether the API server can be reached from the node of this Job, and whether its machine was suspended or its clock set.',
    },
  );
}

function takenOver(what: string, lease: LeaseFact | undefined): LockLost {
  return new LockLost(`keeping ${what}: ${lease?.holder || 'nobody'} holds it now`, {
    remedy: 'Nothing to do: this Job stops, and its next try waits for the lock.',
  });
}
