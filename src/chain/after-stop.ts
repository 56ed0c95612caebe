import { NightliftError, reasonOf } from '../errors.ts';
import { ownJobName } from './own-job.ts';
import type { ActionStep, Context } from './phase.ts';
import { stepName } from './step.ts';
import { takeBack } from './take-back.ts';

/** The pod is stopped, and its Job makes no other one: this was the last word of the step until the next night. */
export class JobOver extends NightliftError {
  override name = 'JobOver';
}

/** Together less than the 30 s that a pod has from SIGTERM to SIGKILL; what was not done by then is the next night's. */
const LOOK_MS = 4_000;
const TAKE_BACK_MS = 14_000;
export const LAST_WORDS_MS = 6_000;
const LOOK_AGAIN_MS = 1_000;

/**
 * What becomes of the steps that were begun when the process is stopped. Most often the pod is only moved, and the next
 * one goes on from here. When the Job's time is over (activeDeadlineSeconds), none comes: then they are taken back, but for a node that is being changed, where a command may still run: that is no node to put back into
 * service unseen, or to let kured restart. When nobody can be asked, the next one is expected.
 * @returns a JobOver, or what the step has thrown.
 */
export async function afterStop(context: Context, begun: readonly ActionStep[], thrown: unknown): Promise<unknown> {
  const why = await whyNoOther(context);
  if (why === undefined) return thrown;
  const last = begun.at(-1);
  const doing = `working on ${stepName(context.step)}${last === undefined ? '' : `, at ${last.name}`}: ${why}`;
  if (last?.critical === true)
    return new JobOver('phase', `${doing}; the node is being changed, and is left as it is`, {
      remedy:
        'The next night goes on with it: it follows what still runs there, then puts the node back into service. Sooner: start the detection.',
    });
  const takenBack = await takeBack(begun.toReversed(), { ...context, signal: AbortSignal.timeout(TAKE_BACK_MS) }, why);
  const names = takenBack.map(({ what, failed }) => (failed ? `${what} (that failed; the next night does it)` : what));
  return new JobOver('phase', names.length === 0 ? doing : `${doing}; taken back: ${names.join(', ')}`, {
    remedy: 'The next night goes on from here. When the step needs more time than job.deadlineSeconds, raise that.',
  });
}

/** undefined: another pod comes, or nobody knows. */
async function whyNoOther(context: Context): Promise<string | undefined> {
  const { deps } = context;
  if (!deps.inCluster) return undefined;
  const signal = AbortSignal.timeout(LOOK_MS);
  try {
    const name = await ownJobName(context, signal);
    // The Job controller deletes the pods first, and writes down why a moment later.
    for (const end = deps.clock.monotonic() + LOOK_MS; ; await deps.clock.sleep(LOOK_AGAIN_MS, signal)) {
      const job = await deps.cluster.job(name, signal);
      // Who deletes a Job halts the chain at once, and wants nothing taken back (docs/operations.md).
      if (job === undefined || job.status === 'deleting') return undefined;
      if (job.status === 'failed')
        return job.reason === 'DeadlineExceeded'
          ? `the time of its Job is over (activeDeadlineSeconds, ${deps.settings.job.deadlineSeconds} s)`
          : `its Job has failed (${job.reason})`;
      if (deps.clock.monotonic() >= end) return undefined;
    }
  } catch (error) {
    deps.log.warn('whether another pod comes after this one is not known: nothing is taken back', {
      error: reasonOf(error),
    });
    return undefined;
  }
}
