import type { Clock } from '../../src/clock.ts';

export interface VirtualClock extends Clock {
  /** Milliseconds that have passed by sleeping. */
  passed(): number;
  /** The machine is suspended, or its clock set: only the wall clock sees it. */
  jump(ms: number): void;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Stands still until everybody sleeps; then it is the time at which the first one wants to be woken. */
export function virtualClock(startMs: number): VirtualClock {
  let passed = 0;
  let jumped = 0;
  let isTicking = false;
  const sleepers = new Set<Sleeper>();
  const tick = (): void => {
    isTicking = true;
    setImmediate(() => {
      const [next] = [...sleepers].toSorted((one, other) => one.at - other.at);
      isTicking = false;
      if (next === undefined) return;
      sleepers.delete(next);
      passed = Math.max(passed, next.at);
      next.wake();
      tick();
    });
  };
  return {
    now: () => new Date(startMs + passed + jumped),
    monotonic: () => passed,
    passed: () => passed,
    jump: (ms) => void (jumped += ms),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const sleeper = { at: passed + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener(
          'abort',
          () => {
            sleepers.delete(sleeper);
            reject(signal.reason as Error);
          },
          { once: true },
        );
        if (!isTicking) tick();
      });
    },
  };
}
