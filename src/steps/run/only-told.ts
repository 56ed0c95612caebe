import type { Context } from '../../chain/phase.ts';
import { LockLost, reasonOf } from '../../errors.ts';

/** For what is told and not decided by: what cannot be written down is a warning, and stops no run. @throws LockLost, and what the signal was aborted with. */
export async function onlyTold({ deps, signal }: Context, failing: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LockLost) throw error;
    deps.log.warn(failing, { error: reasonOf(error) });
  }
}
