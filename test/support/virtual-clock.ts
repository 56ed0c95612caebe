import { type Clock, systemClock } from '../../src/clock.ts';

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

/** So many turns of the event loop without anybody who is woken, and everybody sleeps. */
const QUIET_TURNS = 10;

/** Stands still until everybody sleeps; then it is the time at which the first one wants to be woken. */
export function virtualClock(startMs: number): VirtualClock {
  let passed = 0;
  let jumped = 0;
  let isTicking = false;
  const sleepers = new Set<Sleeper>();
  const tick = (turns = QUIET_TURNS): void => {
    isTicking = true;
    setImmediate(() => {
      if (turns > 1) return tick(turns - 1);
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

/** Real time, so many times as fast: where something real has to answer. */
export function fastClock(speed: number): Clock {
  const start = Date.now();
  const { sleep } = systemClock();
  return {
    now: () => new Date(start + (Date.now() - start) * speed),
    monotonic: () => (Date.now() - start) * speed,
    sleep: (ms, signal) => sleep(ms / speed, signal),
  };
}
