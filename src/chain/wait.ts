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
  /** So long a look may take at least, also when the time of the wait is over before its end; default ten seconds. */
  readonly lookSeconds?: number;
}

/** Why a probe is asked: its time has come, or `changed` has said so. */
export type LookCause = 'poll' | 'change';

/** `signal` is aborted when nobody waits for the answer any more: what a look changes must heed it. */
export type Look<T> = (cause: LookCause, signal: AbortSignal) => Promise<Probe<T>>;

export interface Waiter {
  /** @throws Paused when the kill switch or the window says no. */
  mayGoOn(): Promise<void>;
  /**
   * Asks until the probe is done. An API server that is away counts as "not yet", any other error ends the wait.
   * Kill switch and window are looked at with each poll, not with each change; and while a look has no answer.
   * @throws NightliftError (timeout) that names what is still missing, or (network) when there was no answer;
   * Paused when the kill switch or the window ends it.
   */
  until<T>(what: string, probe: Look<T>, options: WaitOptions): Promise<T>;
  /** Lets time pass under the same looks. `look` is called at each poll and ends the wait by throwing. */
  pass(what: string, seconds: number, look: () => Promise<void>): Promise<void>;
  /** Does what has a limit of its own, under the same looks. @throws Paused; then `signal` is aborted, and `work` left. */
  during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

export interface WaiterOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly pollSeconds: number;
  readonly signal: AbortSignal;
  /** Throws Paused. Called at every poll, so the kill switch and the window's end are seen inside every wait (D06). */
  readonly mayGoOn: () => Promise<void>;
}

const LOOK_SECONDS = 10;
/** For what was told that nobody waits for it any more: nothing of it is under way when the step is taken back. */
const LEAVE_MS = 1000;

export function createWaiter(options: WaiterOptions): Waiter {
  const { clock, log, signal } = options;
  const pollMs = options.pollSeconds * 1000;

  /** `away`: why there was no answer. */
  async function attempt<T>(
    cause: LookCause,
    look: () => Promise<Probe<T>>,
  ): Promise<{ answer: Probe<T>; away?: unknown }> {
    try {
      if (cause === 'poll') await options.mayGoOn();
      return { answer: await look() };
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return { answer: { done: false, missing: `the API server cannot be asked (${reasonOf(error)})` }, away: error };
    }
  }

  /** Rejects with Paused when the kill switch or the window says no; else never ends by itself. */
  async function watchSwitch(over: AbortSignal): Promise<never> {
    for (;;) {
      await clock.sleep(pollMs, over);
      over.throwIfAborted();
      await options.mayGoOn().catch((error: unknown) => {
        if (!isUnavailable(error)) throw error;
      });
    }
  }

  async function atMost(ms: number, error: () => Error, over: AbortSignal): Promise<never> {
    await clock.sleep(ms, over);
    throw error();
  }

  /** The work, unless the kill switch or the window, or the limit when there is one, comes first. */
  async function raced<T>(
    work: (signal: AbortSignal) => Promise<T>,
    limit?: { readonly ms: number; readonly error: () => Error },
  ): Promise<T> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const working = work(either);
    const others = [watchSwitch(either), ...(limit === undefined ? [] : [atMost(limit.ms, limit.error, either)])];
    const left = working.then(
      () => undefined,
      () => undefined,
    );
    for (const other of others) other.catch(() => undefined);
    try {
      return await Promise.race([working, ...others]);
    } catch (error) {
      over.abort();
      const gone = new AbortController();
      await Promise.race([left, clock.sleep(LEAVE_MS, gone.signal)]).finally(() => gone.abort());
      throw error;
    } finally {
      over.abort();
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

  function noAnswer(what: string, seconds: number, said: string, remedy: string): NightliftError {
    const before = said === '' ? '' : `; before: ${said}`;
    return new NightliftError('network', `waiting ${seconds} s for ${what}: there is no answer${before}`, { remedy });
  }

  return {
    mayGoOn: options.mayGoOn,
    during: (work) => raced(work),
    async until(what, probe, { seconds, remedy, changed, lookSeconds = LOOK_SECONDS }) {
      const end = clock.monotonic() + seconds * 1000;
      let said = '';
      let nextPoll = 0;
      let cause: LookCause = 'poll';
      for (;;) {
        const why = cause;
        const { answer, away } = await raced((given) => attempt(why, () => probe(why, given)), {
          ms: Math.max(end - clock.monotonic(), lookSeconds * 1000),
          error: () => noAnswer(what, seconds, said, remedy),
        });
        if (answer.done) return answer.value;
        // Changes come by the dozen: they are told with the next poll.
        if (cause === 'poll' && answer.missing !== said) {
          log.info(`waiting for ${what}`, { missing: answer.missing });
          said = answer.missing;
        }
        if (clock.monotonic() >= end) {
          // An API server that is away may be back for the next try; what it would have said is not known.
          const kind = away === undefined ? 'timeout' : 'network';
          throw new NightliftError(kind, `waiting ${seconds} s for ${what}: ${answer.missing}`, {
            remedy: away instanceof NightliftError ? (away.remedy ?? remedy) : remedy,
            cause: away,
          });
        }
        if (cause === 'poll') nextPoll = clock.monotonic() + pollMs;
        // What could not be asked is not asked again before its time.
        cause = await pause(nextPoll - clock.monotonic(), away === undefined ? changed : undefined);
      }
    },
    async pass(what, seconds, look) {
      const end = clock.monotonic() + seconds * 1000;
      if (seconds > 0) log.info(`waiting: ${what}`, { seconds });
      const asked = async (): Promise<Probe<undefined>> => {
        await look();
        return { done: true, value: undefined };
      };
      for (;;) {
        await raced(() => attempt('poll', asked), {
          ms: Math.max(end - clock.monotonic(), LOOK_SECONDS * 1000),
          error: () => noAnswer(what, seconds, '', ''),
        });
        const left = end - clock.monotonic();
        if (left <= 0) return;
        await clock.sleep(Math.min(pollMs, left), signal);
      }
    },
  };
}
