import type { Clock } from '../clock.ts';
import { isUnavailable } from '../cluster/kube-error.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** What a probe says: done with a value, or what is still missing. */
export type Probe<T> = { readonly done: true; readonly value: T } | { readonly done: false; readonly missing: string };

export interface WaitOptions {
  readonly seconds: number;
  readonly remedy: string;
}

export interface Waiter {
  /** @throws Paused when the kill switch or the window says no. */
  mayGoOn(): Promise<void>;
  /**
   * Asks until the probe is done. An API server that is away counts as "not yet", any other error ends the wait.
   * @throws NightliftError (timeout) that names what is still missing; Paused when the kill switch or the window ends it.
   */
  until<T>(what: string, probe: () => Promise<Probe<T>>, options: WaitOptions): Promise<T>;
  /** Lets time pass under the same looks. `look` is called at each poll and ends the wait by throwing. */
  pass(what: string, seconds: number, look: () => Promise<void>): Promise<void>;
}

export interface WaiterOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly pollSeconds: number;
  readonly signal: AbortSignal;
  /** Throws Paused. Called at every poll, so the kill switch and the window's end are seen inside every wait (D06). */
  readonly mayGoOn: () => Promise<void>;
}

export function createWaiter(options: WaiterOptions): Waiter {
  const { clock, log, signal } = options;
  const pollMs = options.pollSeconds * 1000;

  /** Why the last look had no answer; undefined when it had one. */
  let away: unknown;

  async function attempt<T>(probe: () => Promise<Probe<T>>): Promise<Probe<T>> {
    try {
      await options.mayGoOn();
      return await probe();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      away = error;
      return { done: false, missing: `the API server cannot be asked (${reasonOf(error)})` };
    }
  }

  return {
    mayGoOn: options.mayGoOn,
    async until(what, probe, { seconds, remedy }) {
      const end = clock.now().getTime() + seconds * 1000;
      let said = '';
      for (;;) {
        away = undefined;
        const answer = await attempt(probe);
        if (answer.done) return answer.value;
        if (answer.missing !== said) log.info(`waiting for ${what}`, { missing: answer.missing });
        said = answer.missing;
        if (clock.now().getTime() >= end) {
          // An API server that is away may be back for the next try; what it would have said is not known.
          const kind = away === undefined ? 'timeout' : 'network';
          throw new NightliftError(kind, `waiting ${seconds} s for ${what}: ${answer.missing}`, {
            remedy: away instanceof NightliftError ? (away.remedy ?? remedy) : remedy,
            cause: away,
          });
        }
        await clock.sleep(pollMs, signal);
      }
    },
    async pass(what, seconds, look) {
      const end = clock.now().getTime() + seconds * 1000;
      if (seconds > 0) log.info(`waiting: ${what}`, { seconds });
      for (;;) {
        await attempt(async () => {
          await look();
          return { done: true, value: undefined };
        });
        const left = end - clock.now().getTime();
        if (left <= 0) return;
        await clock.sleep(Math.min(pollMs, left), signal);
      }
    },
  };
}
