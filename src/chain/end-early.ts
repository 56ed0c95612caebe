import { LockLost, NightliftError, reasonOf } from '../errors.ts';
import { verdictOf } from '../gate/evaluate-gate.ts';
import { logFinding } from '../gate/log-finding.ts';
import { verdictGauges } from '../gate/verdict-gauges.ts';
import { pushGauges } from '../metrics/gauges.ts';
import { announce } from '../notify/announce.ts';
import type { StoppedAs } from '../observe/run-record.ts';
import { composeEvent, type TakenBack } from './compose-event.ts';
import { leaveBehind } from './leave-behind.ts';
import { type Outcome, Paused, Refused } from './outcome.ts';
import { ownJobName } from './own-job.ts';
import type { Context } from './phase.ts';
import { recordStop } from './run-record.ts';
import { stepName } from './step.ts';
import { isWorthAnotherTry } from './worth-another-try.ts';

/** Decisions become outcomes; failures are said and thrown on. */
export async function endEarly(context: Context, error: unknown, takenBack: readonly TakenBack[]): Promise<Outcome> {
  const { deps, step, target, signal } = context;
  const stop = async (as: StoppedAs, why: string): Promise<void> => {
    const back = takenBack.filter(({ failed }) => !failed).map(({ what }) => what);
    await recordStop(context, `${as} in ${stepName(step)}: ${why}`, { as, step, takenBack: back });
  };
  if (error instanceof Paused) {
    deps.log.warn('paused', { reason: error.message });
    await stop('paused', error.message);
    await pushGauges(context, { k8s_upgrade_paused: 1 });
    await announce(deps, composeEvent({ kind: 'paused', step, target, reason: error.message }), signal);
    return { kind: 'paused', reason: error.message };
  }
  if (error instanceof Refused) {
    const verdict = verdictOf(error.findings) === 'held' ? 'held' : 'blocked';
    for (const finding of error.findings) logFinding(deps.log, finding);
    deps.log.warn('refused', { verdict });
    await stop(verdict, error.message);
    await pushGauges(context, {}, verdictGauges(error.findings));
    // What is held is in the morning's report, with what can be done meanwhile, and wakes nobody (I19, D12).
    if (verdict === 'blocked')
      await announce(
        deps,
        composeEvent({ kind: 'refused', step, target, verdict, findings: error.findings, takenBack }),
        signal,
      );
    await leaveBehind(context, error);
    return { kind: 'refused', verdict, findings: error.findings };
  }
  // Stopped from outside (an eviction, a deadline, Ctrl-C): the next Job goes on, there is nothing to tell.
  if (signal.aborted) throw error;
  // Whoever holds the lock now writes the record of the run.
  if (!(error instanceof LockLost)) await stop('failed', reasonOf(error));
  // What is worth another try is left to the Job's retries: only the last of them wakes somebody.
  if (!isWorthAnotherTry(error) || (await isLastTry(context))) {
    // Tonight nothing was refused: what an earlier night's gate said does not stand beside it.
    await pushGauges(context, {}, verdictGauges([]));
    await announce(
      deps,
      composeEvent({
        kind: 'failed',
        step,
        target,
        error: reasonOf(error),
        remedy: error instanceof NightliftError ? error.remedy : undefined,
      }),
      signal,
    );
    if (!(error instanceof LockLost))
      await leaveBehind(context, error).catch((failed: unknown) =>
        deps.log.error('that the node has failed could not be written down', { error: reasonOf(failed) }),
      );
  }
  throw error;
}

const LAST_TRY_LOOK_MS = 10_000;

/** Whether the Job gives up with this pod. What cannot be read is in the morning's report. */
async function isLastTry(context: Context): Promise<boolean> {
  const { deps, signal: stopped } = context;
  if (!deps.inCluster) return false;
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(LAST_TRY_LOOK_MS)]);
  try {
    const name = await ownJobName(context, signal);
    return (await deps.cluster.job(name, signal))?.retriesLeft === 0;
  } catch {
    return false;
  }
}
