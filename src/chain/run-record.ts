import { reasonOf } from '../errors.ts';
import { verdictGauges } from '../gate/verdict-gauges.ts';
import { pushGauges } from '../metrics/gauges.ts';
import { runPrefix } from '../observe/run-record.ts';
import type { Context } from './phase.ts';

type InRun = Pick<Context, 'deps' | 'signal'>;

/** Annotations of the run on our namespace; null removes one. */
export async function recordRun(
  { deps, signal }: InRun,
  values: Readonly<Record<string, string | null>>,
): Promise<void> {
  const prefix = runPrefix(deps.settings);
  await deps.cluster.annotateNamespace(
    deps.settings.namespace,
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value])),
    signal,
  );
}

export const NOT_STOPPED = { stopped: null, 'stopped-at': null } as const;

/** Annotations are small; the log has the whole text. */
const LONGEST_REASON = 1500;

/** Where and why a run stopped, for the morning report. Never changes how it stopped. */
export async function recordStop(context: InRun, why: string): Promise<void> {
  try {
    await recordRun(context, {
      stopped: why.length > LONGEST_REASON ? `${why.slice(0, LONGEST_REASON)}…` : why,
      'stopped-at': context.deps.clock.now().toISOString(),
    });
  } catch (error) {
    context.deps.log.warn('why the run stopped could not be recorded', { error: reasonOf(error) });
  }
}

/** The values of a cluster without a run, for postflight and for a leaked latch. */
export async function clearRun(context: InRun): Promise<void> {
  await recordRun(context, {
    'in-flight': null,
    run: null,
    target: null,
    'snapshot-path': null,
    'not-well': null,
    ...NOT_STOPPED,
  });
  const noRun = {
    k8s_upgrade_in_flight: 0,
    k8s_upgrade_started_timestamp: 0,
    k8s_upgrade_snapshot_taken: 0,
    k8s_upgrade_paused: 0,
  };
  await pushGauges(context, noRun, verdictGauges([]));
}
