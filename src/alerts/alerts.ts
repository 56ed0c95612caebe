import type { AlertFact, ApiServerMetricsFact, DeprecatedApiFact } from '../facts/facts.ts';

/** What Prometheus is asked. An answer that is not an answer throws: silence is not health (D01). */
export interface Alerts {
  /** Throws as well when nobody could have raised an alert: nothing that is scraped is up, or no alerting rule is evaluated. */
  active(signal: AbortSignal): Promise<readonly AlertFact[]>;
  /** Series of apiserver_requested_deprecated_apis in use within the look-back; throws when the metric is not collected at all (D09). */
  deprecatedApis(signal: AbortSignal): Promise<readonly DeprecatedApiFact[]>;
  /** How many targets of each job are up; throws when none is. */
  targetsUp(signal: AbortSignal): Promise<Readonly<Record<string, number>>>;
  /** Of which API servers it has metrics, and how far back: what `deprecatedApis` can know. */
  apiServers(signal: AbortSignal): Promise<ApiServerMetricsFact>;
}
