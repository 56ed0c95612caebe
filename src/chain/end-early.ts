import { LockLost, NightliftError, reasonOf } from '../errors.ts';
import { firstControlPlane } from '../facts/nodes.ts';
import { verdictOf } from '../gate/evaluate-gate.ts';
import { logFinding } from '../gate/log-finding.ts';
import { pushGauges } from '../metrics/gauges.ts';
import { announce } from '../notify/announce.ts';
import { composeEvent, type TakenBack } from './compose-event.ts';
import { type Outcome, Paused, Refused } from './outcome.ts';
import type { Context } from './phase.ts';
import { recordStop } from './run-record.ts';
import { jobName, stepName } from './step.ts';
import { isWorthAnotherTry } from './worth-another-try.ts';

/** Decisions become outcomes; failures are said and thrown on. */
export async function endEarly(context: Context, error: unknown, takenBack: readonly TakenBack[]): Promise<Outcome> {
  const { deps, step, target, signal } = context;
  if (error instanceof Paused) {
    deps.log.warn('paused', { reason: error.message });
    await recordStop(context, `paused in ${stepName(step)}: ${error.message}`);
    await announce(deps, composeEvent({ kind: 'paused', step, target, reason: error.message }), signal);
    return { kind: 'paused', reason: error.message };
  }
  if (error instanceof Refused) {
    const verdict = verdictOf(error.findings) === 'held' ? 'held' : 'blocked';
    for (const finding of error.findings) logFinding(deps.log, finding);
    deps.log.warn('refused', { verdict });
    await recordStop(context, `${verdict} in ${stepName(step)}: ${error.message}`);
    const actionable = error.findings.some((finding) => finding.class === 'actionable');
    await pushGauges(context, {
      k8s_upgrade_blocked: actionable ? 1 : 0,
      k8s_upgrade_held: verdict === 'held' ? 1 : 0,
    });
    // What nobody can act on is in the morning's report, and wakes nobody (I19).
    if (actionable)
      await announce(
        deps,
        composeEvent({ kind: 'refused', step, target, verdict, findings: error.findings, takenBack }),
        signal,
      );
    return { kind: 'refused', verdict, findings: error.findings };
  }
  // Stopped from outside (an eviction, a deadline, Ctrl-C): the next Job goes on, there is nothing to tell.
  if (signal.aborted) throw error;
  // Whoever holds the lock now writes the record of the run.
  if (!(error instanceof LockLost)) await recordStop(context, `failed in ${stepName(step)}: ${reasonOf(error)}`);
  // What is worth another try is left to the Job's retries: only the last of them wakes somebody.
  if (!isWorthAnotherTry(error) || (await isLastTry(context))) {
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
  }
  throw error;
}

const LAST_TRY_LOOK_MS = 10_000;

/** Whether the Job gives up with this pod. What cannot be read is in the morning's report. */
async function isLastTry({ deps, step, target, signal: stopped }: Context): Promise<boolean> {
  if (!deps.inCluster) return false;
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(LAST_TRY_LOOK_MS)]);
  try {
    const name = jobName(step, target, firstControlPlane(await deps.cluster.controlPlanes(signal)));
    return (await deps.cluster.job(name, signal))?.retriesLeft === 0;
  } catch {
    return false;
  }
}
