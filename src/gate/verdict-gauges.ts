import { gauge } from '../metrics/gauges.ts';
import type { Gauge } from '../metrics/metrics.ts';
import { verdictOf } from './evaluate-gate.ts';
import type { Finding } from './finding.ts';

const NO_FINDING = { check: 'none', reason: 'none', class: 'none', severity: 'none' };

/**
 * The answer of the gate as gauges, one value for each night. A night that is held raises no alert, whatever could be done
 * meanwhile: that is in the findings (I19, D12).
 */
export function verdictGauges(findings: readonly Finding[]): readonly Gauge[] {
  const verdict = verdictOf(findings);
  return [
    gauge('k8s_upgrade_blocked', verdict === 'blocked' ? 1 : 0),
    gauge('k8s_upgrade_held', verdict === 'held' ? 1 : 0),
    ...findingGauges(findings),
  ];
}

/** How many there are of each kind. A Pushgateway keeps what is not replaced, so none is a series as well. */
function findingGauges(findings: readonly Finding[]): readonly Gauge[] {
  if (findings.length === 0) return [gauge('k8s_upgrade_findings', 0, NO_FINDING)];
  const kinds = Map.groupBy(findings, (one) => `${one.check} ${one.reason} ${one.class} ${one.severity}`);
  return [...kinds.values()].flatMap(([one, ...others]) => {
    if (one === undefined) return [];
    const { check, reason, class: kind, severity } = one;
    return [gauge('k8s_upgrade_findings', 1 + others.length, { check, reason, class: kind, severity })];
  });
}
