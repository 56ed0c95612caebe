/** Time as a port, so that a year of nights can run in a second. */
export interface Clock {
  now(): Date;
  /** Milliseconds that nobody sets. They stand still while the machine is suspended, as CLOCK_MONOTONIC of Linux does. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A moment by both clocks. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export function momentOf(clock: Clock): Moment {
  return { wall: clock.now().getTime(), monotonic: clock.monotonic() };
}

/**
 * Milliseconds that may have passed at most: the longer of what the two clocks say. The monotonic one does not see that
 * the machine was suspended (Node has no CLOCK_BOOTTIME), the wall clock does not see that it was set back. That both
 * happened at once is not noticed.
 */
export function longestSince(start: Moment, clock: Clock): number {
  return Math.max(clock.monotonic() - start.monotonic, clock.now().getTime() - start.wall);
}

export function systemClock(): Clock {
  return {
    now: () => new Date(),
    monotonic: () => performance.now(),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const onAbort = (): void => {
          clearTimeout(timer);
          reject(signal?.reason as Error);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, ms);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
  };
}
