import { ALL_FACTS, type Facts } from '../facts/facts.ts';
import { verdictOf } from '../gate/evaluate-gate.ts';
import type { Finding, GateResult } from '../gate/finding.ts';

const REASON = 'NotReachableFromHere';

/**
 * Pure. What cannot be asked from outside the cluster is said of the one who asks, once for each source: what the checks say of it is
 * true in the cluster, and would send people to mend what is in order there. It blocks as before, as it is not known.
 */
export function seenFromHere(facts: Facts, { target, findings, notAsked }: GateResult): GateResult {
  const sources = new Set(
    ALL_FACTS.flatMap((part) => {
      const observed = facts[part];
      return observed?.known === false && observed.notFromHere === true ? [observed.why] : [];
    }),
  );
  const sourceOf = ({ reason, message }: Finding): string | undefined =>
    reason === 'Unknown' ? [...sources].find((why) => message.includes(why)) : undefined;
  const groups = Map.groupBy(findings, sourceOf);
  const own = [...groups].flatMap(([why, some]): Finding[] => {
    if (why === undefined) return [];
    const checks = some.map(({ check }) => check).join(', ');
    return [
      {
        check: 'from-here',
        reason: REASON,
        class: 'actionable',
        severity: some.some(({ severity }) => severity === 'block') ? 'block' : 'warn',
        message: `${why}; not looked at: ${checks}`,
        remedy: 'This is no finding about the cluster, whose Jobs ask it for themselves before they change anything.',
      },
    ];
  });
  const all = [...(groups.get(undefined) ?? []), ...own];
  return { target, verdict: verdictOf(all), findings: all, notAsked };
}

export function isFromHere({ reason }: Finding): boolean {
  return reason === REASON;
}

/** What the cluster itself will find out before it changes anything does not keep a person from starting that. */
export function mayStart({ findings }: GateResult): boolean {
  return verdictOf(findings.filter((finding) => !isFromHere(finding))) === 'safe';
}
