import { JobOver, LAST_WORDS_MS } from './after-stop.ts';
import { createContext } from './context.ts';
import type { Context } from './phase.ts';
import { takeRunLock } from './run-lock.ts';
import { whileHeld } from './while-held.ts';

/** Does the work with the lock of the chain in hand: its signal is aborted, and its ports change nothing more, when that is lost. */
export async function underLock<T>(context: Context, work: (locked: Context) => Promise<T>): Promise<T> {
  const { deps, step, target, signal, waiter } = context;
  const lock = await takeRunLock(deps, waiter, signal);
  let isOver = false;
  try {
    const either = AbortSignal.any([signal, lock.lost]);
    return await work(createContext(step, target, whileHeld(deps, lock), either, { fence: lock.fence }));
  } catch (error) {
    isOver = error instanceof JobOver;
    throw error;
  } finally {
    // The next pod of a Job takes the lock over from this one; when there is none, it is given back.
    await lock.release(isOver ? AbortSignal.timeout(LAST_WORDS_MS) : signal);
  }
}
