import type { Clock } from '../clock.ts';
import { isUnavailable } from '../cluster/kube-error.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** What a probe says: done with a value, or what is still missing. */
export type Probe<T> = { readonly done: true; readonly value: T } | { readonly done: false; readonly missing: string };

export interface WaitOptions {
  readonly seconds: number;
  readonly remedy: string;
  /** Resolves when it is worth asking before the next poll; never rejects. Asked for anew after each look. */
  readonly changed?: () => Promise<void>;
}

/** Why a probe is asked: its time has come, or `changed` has said so. */
export type LookCause = 'poll' | 'change';

export interface Waiter {
  /** @throws Paused when the kill switch or the window says no. */
  mayGoOn(): Promise<void>;
  /**
   * Asks until the probe is done. An API server that is away counts as "not yet", any other error ends the wait.
   * Kill switch and window are looked at with each poll, not with each change.
   * @throws NightliftError (timeout) that names what is still missing; Paused when the kill switch or the window ends it.
   */
  until<T>(what: string, probe: (cause: LookCause) => Promise<Probe<T>>, options: WaitOptions): Promise<T>;
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

  async function attempt<T>(cause: LookCause, probe: (cause: LookCause) => Promise<Probe<T>>): Promise<Probe<T>> {
    try {
      if (cause === 'poll') await options.mayGoOn();
      return await probe(cause);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      away = error;
      return { done: false, missing: `the API server cannot be asked (${reasonOf(error)})` };
    }
  }

  /** Lets time pass, or as much of it as goes by before the change. Says which: a timer may end a hair before its time. */
  async function pause(ms: number, changed: (() => Promise<void>) | undefined): Promise<LookCause> {
    // However fast changes come, a poll is due when its time has come.
    if (ms <= 0) return 'poll';
    if (changed === undefined) {
      await clock.sleep(ms, signal);
      return 'poll';
    }
    const over = new AbortController();
    const time = clock.sleep(ms, AbortSignal.any([signal, over.signal]));
    try {
      return await Promise.race([time.then((): LookCause => 'poll'), changed().then((): LookCause => 'change')]);
    } finally {
      over.abort();
    }
  }

  return {
    mayGoOn: options.mayGoOn,
    async until(what, probe, { seconds, remedy, changed }) {
      const end = clock.now().getTime() + seconds * 1000;
      let said = '';
      let nextPoll = 0;
      let cause: LookCause = 'poll';
      for (;;) {
        away = undefined;
        const answer = await attempt(cause, probe);
        if (answer.done) return answer.value;
        // Changes come by the dozen: they are told with the next poll.
        if (cause === 'poll' && answer.missing !== said) {
          log.info(`waiting for ${what}`, { missing: answer.missing });
          said = answer.missing;
        }
        if (clock.now().getTime() >= end) {
          // An API server that is away may be back for the next try; what it would have said is not known.
          const kind = away === undefined ? 'timeout' : 'network';
          throw new NightliftError(kind, `waiting ${seconds} s for ${what}: ${answer.missing}`, {
            remedy: away instanceof NightliftError ? (away.remedy ?? remedy) : remedy,
            cause: away,
          });
        }
        if (cause === 'poll') nextPoll = clock.now().getTime() + pollMs;
        // What could not be asked is not asked again before its time.
        cause = await pause(nextPoll - clock.now().getTime(), away === undefined ? changed : undefined);
      }
    },
    async pass(what, seconds, look) {
      const end = clock.now().getTime() + seconds * 1000;
      if (seconds > 0) log.info(`waiting: ${what}`, { seconds });
      for (;;) {
        await attempt('poll', async () => {
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
