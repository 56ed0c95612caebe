import { reasonOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Gauge, MetricGroup, Metrics } from './metrics.ts';

const HELP: Readonly<Record<string, string>> = {
  k8s_upgrade_in_flight: '1 while an upgrade is running',
  k8s_upgrade_started_timestamp: 'start of the running upgrade, Unix time in seconds',
  k8s_upgrade_snapshot_taken: '1 when the etcd snapshot of the running upgrade was verified',
  k8s_upgrade_snapshot_required: '1 when the running upgrade does not go on without an etcd snapshot',
  k8s_upgrade_step_due_timestamp: 'by when the step that was begun last is to have ended, Unix time in seconds',
  k8s_upgrade_paused: '1 when the running upgrade waits for a person or for its window',
  k8s_upgrade_blocked: '1 when the gate refused for reasons that somebody here can clear, all of them',
  k8s_upgrade_held: '1 when the gate refused for a reason that has to be waited for, or that is pinned',
  k8s_upgrade_findings: 'what the gate found, by check, reason, class and severity; 0 with "none" for nothing',
  k8s_upgrade_available: '1 with the version that is offered, by kind (patch, minor, none)',
  k8s_version_check_last_run_timestamp: 'last run of the detector, Unix time in seconds',
};

interface WithMetrics {
  readonly deps: { readonly metrics: Metrics; readonly log: Log };
  readonly signal: AbortSignal;
}

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

export async function pushGauges(
  context: WithMetrics,
  values: Readonly<Record<string, number>>,
  more: readonly Gauge[] = [],
): Promise<void> {
  const gauges = Object.entries(values).map(([name, value]) => gauge(name, value));
  await push(context, 'k8s-version-upgrade', [...gauges, ...more]);
}
