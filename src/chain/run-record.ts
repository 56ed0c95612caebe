import { isNotFound } from '../cluster/kube-error.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import type { Gauge, MetricGroup } from '../metrics/metrics.ts';
import type { ActionStep, Context } from './phase.ts';

const HELP: Readonly<Record<string, string>> = {
  k8s_upgrade_in_flight: '1 while an upgrade is running',
  k8s_upgrade_started_timestamp: 'start of the running upgrade, Unix time in seconds',
  k8s_upgrade_snapshot_taken: '1 when the etcd snapshot of the running upgrade was verified',
  k8s_upgrade_blocked: '1 when the gate refused for a reason that somebody here can clear',
  k8s_upgrade_held: '1 when the gate refused for a reason that has to be waited for, or that is pinned',
  k8s_upgrade_available: '1 with the version that is offered, by kind (patch, minor, none)',
  k8s_version_check_last_run_timestamp: 'last run of the detector, Unix time in seconds',
};

type WithMetrics = Pick<Context, 'deps' | 'signal'>;

export function gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): Gauge {
  return { name, value, help: HELP[name] ?? name, ...(labels === undefined ? {} : { labels }) };
}

/** Pushes; a Pushgateway that cannot be reached is a warning and changes nothing else. */
export async function push({ deps, signal }: WithMetrics, group: MetricGroup, gauges: readonly Gauge[]): Promise<void> {
  try {
    await deps.metrics.push(group, gauges, signal);
  } catch (error) {
    deps.log.warn('metrics could not be pushed', { group, error: reasonOf(error) });
  }
}

/** Removes a whole group; as with `push`, a failure is a warning. */
export async function clear({ deps, signal }: WithMetrics, group: MetricGroup): Promise<void> {
  try {
    await deps.metrics.clear(group, signal);
  } catch (error) {
    deps.log.warn('metrics could not be cleared', { group, error: reasonOf(error) });
  }
}

export async function pushGauges(context: WithMetrics, values: Readonly<Record<string, number>>): Promise<void> {
  await push(
    context,
    'k8s-version-upgrade',
    Object.entries(values).map(([name, value]) => gauge(name, value)),
  );
}

/** Annotations of the run on our namespace; null removes one. */
export async function recordRun(
  { deps, signal }: WithMetrics,
  values: Readonly<Record<string, string | null>>,
): Promise<void> {
  const prefix = `${deps.settings.annotationPrefix}/k8s-upgrade-`;
  await deps.cluster.annotateNamespace(
    deps.settings.namespace,
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value])),
    signal,
  );
}

export async function readRun({ deps, signal }: WithMetrics): Promise<Readonly<Record<string, string>>> {
  const prefix = `${deps.settings.annotationPrefix}/k8s-upgrade-`;
  const { namespace } = deps.settings;
  const all = await deps.cluster.namespaceAnnotations(namespace, signal).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw new NightliftError('config', `reading the record of the run: there is no namespace ${namespace}`, {
      remedy: 'Install Nightlift in the cluster (kubectl apply -k deploy), or name its namespace with --namespace.',
    });
  });
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

export interface RecordedRun {
  readonly startedAt: string | null;
  readonly target: string | null;
  readonly snapshotPath: string | null;
  readonly stopped: string | null;
  /** Since a note can outlive its run: the next one may stop without being able to write down why. */
  readonly stoppedAt: string | null;
}

/** The record in typed form; what is not a time is none. */
export async function recordedRun(context: WithMetrics): Promise<RecordedRun> {
  const run = await readRun(context);
  return {
    startedAt: timeOf(run['in-flight']),
    target: run['target'] ?? null,
    snapshotPath: run['snapshot-path'] ?? null,
    stopped: run['stopped'] ?? null,
    stoppedAt: timeOf(run['stopped-at']),
  };
}

function timeOf(text = ''): string | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

export const NOT_STOPPED = { stopped: null, 'stopped-at': null } as const;

/** Annotations are small; the log has the whole text. */
const LONGEST_REASON = 1500;

/** Where and why a run stopped, for the morning report. Never changes how it stopped. */
export async function recordStop(context: WithMetrics, why: string): Promise<void> {
  try {
    await recordRun(context, {
      stopped: why.length > LONGEST_REASON ? `${why.slice(0, LONGEST_REASON)}…` : why,
      'stopped-at': context.deps.clock.now().toISOString(),
    });
  } catch (error) {
    context.deps.log.warn('why the run stopped could not be recorded', { error: reasonOf(error) });
  }
}

/** Says that a run is under way, before its first change. A resumed run keeps the time at which it was started. */
export const setLatch: ActionStep = {
  name: 'set-latch',
  summary: 'record that the run is in flight',
  async run(context) {
    const now = context.deps.clock.now();
    const run = await readRun(context);
    const started =
      run['target'] === context.target && run['in-flight'] !== undefined ? run['in-flight'] : now.toISOString();
    await recordRun(context, { 'in-flight': started, target: context.target, ...NOT_STOPPED });
    const startedAt = Number.isNaN(Date.parse(started)) ? now.getTime() : Date.parse(started);
    await pushGauges(context, {
      k8s_upgrade_in_flight: 1,
      k8s_upgrade_started_timestamp: Math.floor(startedAt / 1000),
      k8s_upgrade_snapshot_taken: run['target'] === context.target && run['snapshot-path'] !== undefined ? 1 : 0,
      k8s_upgrade_blocked: 0,
      k8s_upgrade_held: 0,
    });
  },
};

/** The values of a cluster without a run, for postflight and for a leaked latch. */
export async function clearRun(context: WithMetrics): Promise<void> {
  await recordRun(context, { 'in-flight': null, target: null, 'snapshot-path': null, ...NOT_STOPPED });
  await pushGauges(context, {
    k8s_upgrade_in_flight: 0,
    k8s_upgrade_started_timestamp: 0,
    k8s_upgrade_snapshot_taken: 0,
    k8s_upgrade_blocked: 0,
    k8s_upgrade_held: 0,
  });
}

export const clearLatch: ActionStep = {
  name: 'clear-latch',
  summary: 'record that no run is in flight',
  run: clearRun,
};
