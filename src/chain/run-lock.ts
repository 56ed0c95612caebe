import type { LeaseFact } from '../cluster/cluster.ts';
import { isUnavailable } from '../cluster/kube-error.ts';
import type { Deps } from '../deps.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import { Refused } from './outcome.ts';
import type { Waiter } from './wait.ts';

export const RUN_LEASE = 'k8s-upgrade-chain';
/** The random end of a Job's pod name. */
const POD_SUFFIX = /-[a-z0-9]{5}$/;

export interface RunLock {
  /** Aborted when somebody else took the lock over: then this process must not change anything any more. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
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
  try {
    await waiter.until(
      'the lock of the chain',
      async () => {
        const lease = await cluster.lease(RUN_LEASE, signal);
        const now = clock.now().getTime();
        if (lease !== undefined && seen?.version !== lease.version) seen = { version: lease.version, at: now };
        const unchanged = seen === undefined ? 0 : (now - seen.at) / 1000;
        if (!mayTake(lease, holder, unchanged)) return { done: false, missing: `${lease?.holder ?? ''} holds it` };
        const written = await cluster.writeLease(RUN_LEASE, { holder, durationSeconds }, lease?.version, signal);
        return written ? { done: true, value: undefined } : { done: false, missing: 'somebody else took it just now' };
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
  return keepLock(deps, holder, durationSeconds, signal);
}

function keepLock(
  { cluster, clock, log }: Pick<Deps, 'cluster' | 'clock' | 'log'>,
  holder: string,
  durationSeconds: number,
  signal: AbortSignal,
): RunLock {
  const lost = new AbortController();
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const renew = async (nextHolder: string, by: AbortSignal): Promise<void> => {
    const lease = await cluster.lease(RUN_LEASE, by);
    if (
      lease?.holder === holder &&
      (await cluster.writeLease(RUN_LEASE, { holder: nextHolder, durationSeconds }, lease.version, by))
    )
      return;
    throw new NightliftError('network', `keeping the lock of the chain: ${lease?.holder || 'nobody'} holds it now`, {
      remedy: 'Nothing to do: this Job stops, and its next try waits for the lock.',
    });
  };
  const loop = (async () => {
    while (!ended.aborted) {
      await clock.sleep((durationSeconds * 1000) / 3, ended);
      try {
        await renew(holder, ended);
      } catch (error) {
        if (ended.aborted) return;
        if (isUnavailable(error)) continue;
        log.error('the lock of the chain is lost', { error: reasonOf(error) });
        lost.abort(error);
        return;
      }
    }
  })().catch(() => undefined);
  return {
    lost: lost.signal,
    async release() {
      stop.abort();
      await loop;
      // A lock that is not given back is taken over later: no reason to fail.
      if (!lost.signal.aborted && !signal.aborted)
        await renew('', signal).catch((error: unknown) =>
          log.warn('the lock could not be given back', { error: reasonOf(error) }),
        );
    },
  };
}
