import { reasonOf } from '../errors.ts';
import { verdictGauges } from '../gate/verdict-gauges.ts';
import { pushGauges } from '../metrics/gauges.ts';
import { BEGUN, NOT_NOTED, runPrefix, type StoppedAs, TOOK } from '../observe/run-record.ts';
import type { Context } from './phase.ts';
import { type Step, stepName } from './step.ts';

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

export const NOT_STOPPED = {
  stopped: null,
  'stopped-at': null,
  'stopped-as': null,
  'stopped-step': null,
  'taken-back': null,
} as const;

/** Of a phase; what the detection stops has none. */
export interface StoppedHow {
  readonly as: StoppedAs;
  readonly step: Step;
  /** Names of what it had begun and has put back. */
  readonly takenBack: readonly string[];
}

/** Annotations are small; the log has the whole text. */
const LONGEST_REASON = 1500;

/** Where and why a run stopped, for the morning report. Never changes how it stopped. */
export async function recordStop(context: InRun, why: string, how?: StoppedHow): Promise<void> {
  try {
    await recordRun(context, {
      ...NOT_STOPPED,
      ...(how === undefined
        ? {}
        : { 'stopped-as': how.as, 'stopped-step': stepName(how.step), 'taken-back': how.takenBack.join(' ') || null }),
      stopped: why.length > LONGEST_REASON ? `${why.slice(0, LONGEST_REASON)}…` : why,
      'stopped-at': context.deps.clock.now().toISOString(),
    });
  } catch (error) {
    context.deps.log.warn('why the run stopped could not be recorded', { error: reasonOf(error) });
  }
}

/** The values of a cluster without a run, for postflight and for a leaked latch. */
export async function clearRun(context: InRun, also: Readonly<Record<string, null>> = {}): Promise<void> {
  await recordRun(context, {
    'in-flight': null,
    run: null,
    target: null,
    'snapshot-path': null,
    'snapshot-bytes': null,
    ...NOT_NOTED,
    [TOOK]: null,
    [BEGUN]: null,
    ...NOT_STOPPED,
    ...also,
  });
  const noRun = {
    k8s_upgrade_in_flight: 0,
    k8s_upgrade_started_timestamp: 0,
    k8s_upgrade_snapshot_taken: 0,
    k8s_upgrade_paused: 0,
  };
  await pushGauges(context, noRun, verdictGauges([]));
}
