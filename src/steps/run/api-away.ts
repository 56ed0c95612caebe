import { ownJobName } from '../../chain/own-job.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { RUN_LEASE } from '../../chain/run-lock.ts';
import { recordRun } from '../../chain/run-record.ts';
import { API_AWAY, readRun, secondsAway, withSecondsAway } from '../../observe/run-record.ts';
import { onlyTold } from './only-told.ts';

const LOOK_EVERY_MS = 1000;

/**
 * While a command runs on a node hardly anything is asked but the lock, three times in its duration: when the API server went away, and whether it
 * did at all, is known by asking.
 */
export async function whileLooking<T>(
  { deps, signal }: Pick<Context, 'deps' | 'signal'>,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const looking = (async () => {
    for (;;) {
      await deps.clock.sleep(LOOK_EVERY_MS, either);
      await deps.cluster.lookForAway(RUN_LEASE, either);
    }
  })().catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
    await looking;
  }
}

/**
 * A person who had no answer at night wants to know for how long: one or two control planes take their API server away.
 * Written for each node, so that a step that is repeated counts once.
 */
export const noteAway: ActionStep = {
  name: 'note-away',
  summary: 'record for how long the API server was away',
  async run(context) {
    const seconds = Math.round(context.deps.cluster.awayMs() / 1000);
    if (seconds === 0) return;
    context.deps.log.info('the API server was away', { seconds });
    await onlyTold(context, 'how long the API server was away could not be recorded', async () => {
      const { name } = await context.node();
      const before = secondsAway((await readRun(context))[API_AWAY]);
      const atLeast = await isLaterTry(context);
      await recordRun(context, { [API_AWAY]: withSecondsAway(before, name, { seconds, atLeast }) });
    });
  },
};

/** Whether an earlier pod of this Job has failed, which may have seen the API server away for longer and could not write it down. */
async function isLaterTry(context: Context): Promise<boolean> {
  const { signal } = context;
  const { cluster, settings } = context.deps;
  const job = await cluster.job(await ownJobName(context, signal), signal);
  return job?.retriesLeft !== undefined && job.retriesLeft < settings.job.retries;
}
