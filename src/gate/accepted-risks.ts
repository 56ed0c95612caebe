import type { AcceptedRisk } from '../settings/accepted-risk.ts';
import type { Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** Offered for a risk: the next look at it, not the end of it. */
const OFFERED_DAYS = 14;

/** What no person can take upon them, by check, and why. */
const NEVER: Readonly<Record<string, string>> = {
  'version-skew': 'Kubernetes supports no older version and no such distance',
  'kubeadm-api': 'kubeadm could not read its own configuration any more',
  'kubeadm-patches': 'the manifests would lose what was added to them',
  permissions: 'the run would fail half-way',
  'nodes-ready': 'each step asks it again and would stop half-way',
  'firing-alerts': 'each step asks it again; `alerts.ignore` names what may fire',
  'node-addresses': 'a command could reach another node',
  'node-identity': 'a command could reach another node',
  'node-survey': 'what a node does not say cannot be looked at before its drain',
  'disk-room': 'a full disk stops etcd and the kubelet in the middle',
  'etcd-state': 'a member less can be the quorum',
};

/**
 * Findings with what a person has accepted of them: that warns, and says so. What is over, or cannot be accepted, refuses and
 * says that as well. Pure; `now` is our own clock. `asked`: names of the checks that could answer.
 */
export function withAccepted(
  findings: readonly Finding[],
  risks: readonly AcceptedRisk[],
  { target, now, asked }: { readonly target: string; readonly now: Date; readonly asked: readonly string[] },
): readonly Finding[] {
  const ours = risks.filter((risk) => risk.target === target);
  if (ours.length === 0) return findings;
  const judged = findings.map((finding): Finding => {
    const own = ours.filter((risk) => isAbout(risk, finding));
    const risk = own.find((one) => isInForce(one, now)) ?? own[0];
    if (risk === undefined || finding.severity !== 'block') return finding;
    const never = neverWhy(finding);
    if (never !== undefined) return { ...finding, message: `${finding.message} (it cannot be accepted: ${never})` };
    const { until, why, by } = risk;
    const words = `until ${until}${by === '' ? '' : ` by ${by}`}: ${why}`;
    if (!isInForce(risk, now)) return { ...finding, message: `${finding.message} (was accepted ${words})` };
    return { ...finding, severity: 'warn', message: `${finding.message} (accepted ${words})` };
  });
  const unused = ours.filter((risk) => asked.includes(risk.check) && !findings.some((one) => isAbout(risk, one)));
  return [...judged, ...unused.map(unusedNote)];
}

/** Why nobody can accept it; undefined when somebody can. */
export function neverWhy({ check, reason, class: kind }: Finding): string | undefined {
  if (kind === 'pinned') return 'it is held on purpose: take the pin off in the addon matrix';
  if (reason === 'CheckFailed') return 'the check did not finish';
  return Object.hasOwn(NEVER, check) ? NEVER[check] : undefined;
}

/** As it would stand in the settings, but for the reason, which is a person's to give. */
export function riskOf(finding: Finding, target: string, now: Date): AcceptedRisk {
  const { check, reason } = finding;
  const until = new Date(now.getTime() + OFFERED_DAYS * DAY_MS).toISOString().slice(0, 10);
  return { check, reason, subject: subjectOf(finding), target, until, why: '', by: '' };
}

/** Without a subject of its own a finding is its own words: whatever they say otherwise is another one. */
function subjectOf({ reason, subject, message }: Finding): string {
  return reason === 'Unknown' ? '' : (subject ?? message);
}

function isAbout(risk: AcceptedRisk, finding: Finding): boolean {
  return risk.check === finding.check && risk.reason === finding.reason && risk.subject === subjectOf(finding);
}

function isInForce({ until }: AcceptedRisk, now: Date): boolean {
  return now.getTime() < Date.parse(until);
}

function unusedNote({ check, reason, subject, target }: AcceptedRisk): Finding {
  const of = subject === '' ? '' : ` of "${subject}"`;
  return {
    check,
    reason: 'RiskNotFound',
    class: 'actionable',
    severity: 'warn',
    message: `acceptedRisks: ${check}: ${reason}${of} for ${target} accepts nothing that was found`,
    remedy: 'Take it out, or compare it with `nightlift gate --accept-yaml`.',
  };
}
