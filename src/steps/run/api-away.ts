import { ownJobName } from '../../chain/own-job.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { RUN_LEASE } from '../../chain/run-lock.ts';
import { recordRun } from '../../chain/run-record.ts';
import { nodeOf } from '../../chain/step.ts';
import { API_AWAY, readRun, secondsAway, withSecondsAway } from '../../observe/run-record.ts';
import { onlyTold } from './only-told.ts';

const LOOK_EVERY_MS = 1000;

/**
 * While a command runs on a node hardly anything is asked but the lock, three times in its duration: when the API server went away, and whether it
 * did at all, is known by asking. What was seen is written down as soon as it answers again: this process may not live until its step does it.
 */
export async function whileLooking<T>(context: Context, work: () => Promise<T>): Promise<T> {
  const { deps, signal } = context;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const looking = (async () => {
    let noted = deps.cluster.awayMs();
    for (;;) {
      await deps.clock.sleep(LOOK_EVERY_MS, either);
      await deps.cluster.lookForAway(RUN_LEASE, either);
      const away = deps.cluster.awayMs();
      if (away === noted) continue;
      noted = away;
      await note({ ...context, signal: either });
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
 * Written for each node and process, so that a step that is repeated counts once, and what an earlier pod has seen is kept.
 */
export const noteAway: ActionStep = {
  name: 'note-away',
  summary: 'record for how long the API server was away',
  async run(context) {
    const seconds = secondsSeen(context);
    if (seconds > 0) context.deps.log.info('the API server was away', { seconds });
    await note(context, isLaterTry);
  },
};

function secondsSeen({ deps }: Context): number {
  return Math.round(deps.cluster.awayMs() / 1000);
}

/** Nothing of nothing: where no process has seen it away from this node's step. */
async function note(context: Context, isAtLeast: (context: Context) => Promise<boolean> = async () => false) {
  const seconds = secondsSeen(context);
  const node = nodeOf(context.step) ?? '';
  await onlyTold(context, 'how long the API server was away could not be recorded', async () => {
    const before = secondsAway((await readRun(context))[API_AWAY]);
    const seen = seconds > 0 || [...before.keys()].some((who) => who.startsWith(`${node}@`));
    if (!seen) return;
    const atLeast = await isAtLeast(context);
    if (seconds === 0 && !atLeast) return;
    const who = `${node}@${context.deps.identity}`;
    await recordRun(context, { [API_AWAY]: withSecondsAway(before, who, { seconds, atLeast }) });
  });
}

/** Whether an earlier pod of this Job has failed: it may have ended before the API server was back, to write it down. */
async function isLaterTry(context: Context): Promise<boolean> {
  const { signal } = context;
  const { cluster, settings } = context.deps;
  const job = await cluster.job(await ownJobName(context, signal), signal);
  return job?.retriesLeft !== undefined && job.retriesLeft < settings.job.retries;
}
