import { isParallel } from '../settings/rollout.ts';
import { JobOver, LAST_WORDS_MS } from './after-stop.ts';
import { createContext } from './context.ts';
import type { Context } from './phase.ts';
import { type RunLock, takeNodeLock, takeRunLock } from './run-lock.ts';
import { whileHeld } from './while-held.ts';

/** `look`: that of the chain, beside those who hold the lock of a node, for as long as it takes to start the next Jobs. */
export type LockKind = 'chain' | 'node' | 'look';

/** Workers of which several go at a time have a lock each; every other step is alone. */
export function lockOf({ step, deps }: Pick<Context, 'step' | 'deps'>): Exclude<LockKind, 'look'> {
  return step.phase === 'worker' && isParallel(deps.settings.rollout) ? 'node' : 'chain';
}

/** Does the work with the lock in hand: its signal is aborted, and its ports change nothing more, when that is lost. */
export async function underLock<T>(
  context: Context,
  work: (locked: Context) => Promise<T>,
  kind: LockKind = lockOf(context),
): Promise<T> {
  const { deps, step, target, signal } = context;
  const lock = await take(context, kind);
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

async function take({ deps, step, signal, waiter }: Context, kind: LockKind): Promise<RunLock> {
  if (kind === 'node' && 'node' in step) return await takeNodeLock(deps, waiter, signal, step.node);
  return await takeRunLock(deps, waiter, signal, { besideNodes: kind === 'look' });
}
