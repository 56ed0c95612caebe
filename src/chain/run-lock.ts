import { longestSince, type Moment, momentOf } from '../clock.ts';
import type { LeaseFact } from '../cluster/cluster.ts';
import type { Deps } from '../deps.ts';
import { LockLost, NightliftError, reasonOf } from '../errors.ts';
import type { Fence } from '../node/fence.ts';
import { Refused } from './outcome.ts';
import type { Waiter } from './wait.ts';

export const RUN_LEASE = 'k8s-upgrade-chain';
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

/** Takes the lock, waiting for whoever holds it. @throws Refused with the holder's name when it is not let go in time. */
export async function takeRunLock(
  deps: Pick<Deps, 'cluster' | 'clock' | 'settings' | 'identity' | 'log'>,
  waiter: Waiter,
  signal: AbortSignal,
): Promise<RunLock> {
  const { cluster, clock, identity: holder, settings } = deps;
  const durationSeconds = settings.waits.lockSeconds;
  let seen: { version: string; at: number } | undefined;
  let taken: { generation: number; at: Moment };
  try {
    taken = await waiter.until(
      'the lock of the chain',
      async (_, given) => {
        const lease = await cluster.lease(RUN_LEASE, given);
        // Of the two clocks the one by which less may have passed: nobody loses the lock to a clock that was set.
        const now = clock.monotonic();
        if (lease !== undefined && seen?.version !== lease.version) seen = { version: lease.version, at: now };
        const unchanged = seen === undefined ? 0 : (now - seen.at) / 1000;
        if (!mayTake(lease, holder, unchanged)) return { done: false, missing: `${lease?.holder ?? ''} holds it` };
        const generation = nextGeneration(lease, clock.now());
        const at = momentOf(clock);
        const next = { holder, durationSeconds, generation };
        if (await cluster.writeLease(RUN_LEASE, next, lease?.version, given))
          return { done: true, value: { generation, at } };
        return { done: false, missing: 'somebody else took it just now' };
      },
      { seconds: settings.waits.alertSeconds, remedy: '' },
    );
  } catch (error) {
    if (!(error instanceof NightliftError) || error.kind !== 'timeout') throw error;
    throw new Refused([
      {
        check: 'lock',
        reason: 'LockHeld',
        class: 'actionable',
        severity: 'block',
        message: error.message,
        remedy: `Let it end, or see whether it is still alive; kubectl -n ${settings.namespace} delete lease ${RUN_LEASE} frees the lock.`,
      },
    ]);
  }
  return keepLock(deps, { holder, generation: taken.generation }, durationSeconds, taken.at, signal);
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
    log[error.lapsed ? 'warn' : 'error']('the lock of the chain is lost', { error: error.message });
    lost.abort(error);
  };
  const lookAtClock = (): void => {
    const silent = longestSince(renewedAt, clock);
    if (silent >= durationMs * HELD_FOR) lose(lapsed(silent, durationSeconds, because));
  };
  /** false: the API server says that somebody has written it meanwhile. It may have been this process: an answer can get lost. */
  const write = async (holder: string, by: AbortSignal): Promise<boolean> => {
    const at = momentOf(clock);
    const lease = await cluster.lease(RUN_LEASE, by);
    if (lease?.holder !== fence.holder || lease.generation !== fence.generation) throw takenOver(lease);
    const next = { holder, durationSeconds, generation: fence.generation };
    const isWritten = await cluster.writeLease(RUN_LEASE, next, lease.version, by);
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

function lapsed(silentMs: number, durationSeconds: number, because: string): LockLost {
  return new LockLost(
    `keeping the lock of the chain: it could not be renewed for ${Math.round(silentMs / 1000)} s, and after ${durationSeconds} s anybody may take it over${because === '' ? '' : `: ${because}`}`,
    {
      lapsed: true,
      remedy:
        'Nothing to do: the lock is taken anew. When it happens often, see whether the API server can be reached from the node of this Job, and whether its machine was suspended or its clock set.',
    },
  );
}

function takenOver(lease: LeaseFact | undefined): LockLost {
  return new LockLost(`keeping the lock of the chain: ${lease?.holder || 'nobody'} holds it now`, {
    remedy: 'Nothing to do: this Job stops, and its next try waits for the lock.',
  });
}
