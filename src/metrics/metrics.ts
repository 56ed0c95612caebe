import type { GaugeFact } from '../facts/facts.ts';

export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export type MetricGroup = 'k8s-version-upgrade' | 'k8s-version-check';

/** The Pushgateway. Callers treat every failure as a warning: metrics never change the outcome. */
export interface Metrics {
  /** Replaces the gauges of these names in the group (POST), leaving the others. */
  push(group: MetricGroup, gauges: readonly Gauge[], signal: AbortSignal): Promise<void>;
  /** Deletes the whole group. */
  clear(group: MetricGroup, signal: AbortSignal): Promise<void>;
  /** The k8s_upgrade_* and k8s_version_* series that it holds. */
  read(signal: AbortSignal): Promise<readonly GaugeFact[]>;
}
