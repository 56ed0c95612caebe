import type { AlertFact, DeprecatedApiFact } from '../facts/facts.ts';

/** What Prometheus is asked. An answer that is not an answer throws: silence is not health (D01). */
export interface Alerts {
  active(signal: AbortSignal): Promise<readonly AlertFact[]>;
  /** Series of apiserver_requested_deprecated_apis in use within the look-back; throws when the metric is not collected at all (D09). */
  deprecatedApis(signal: AbortSignal): Promise<readonly DeprecatedApiFact[]>;
}
