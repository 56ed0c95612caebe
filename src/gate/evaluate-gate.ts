import { NightliftError, reasonOf } from '../errors.ts';
import type { FactPart, Facts } from '../facts/facts.ts';
import { runningVersions } from '../facts/running-versions.ts';
import { isAsked } from '../observed.ts';
import { type Jump, minorOf } from '../version.ts';
import { withAccepted } from './accepted-risks.ts';
import type { Check, GateContext } from './check.ts';
import type { Finding, GateResult, NotAsked, Verdict } from './finding.ts';
import type { GateOptions } from './gate-options.ts';

/** All checks run, whatever the others find: a person gets the whole list in one night. */
export function evaluateGate(facts: Facts, target: string, checks: readonly Check[], options: GateOptions): GateResult {
  const context: GateContext = { target, jump: jumpTo(facts, target), options };
  const asked = checks.filter(({ reads }) => !reads.some((part) => isLeftOut(facts, part)));
  const findings = withAccepted(
    asked.flatMap((check) => evaluateSafely(check, facts, context)),
    options.acceptedRisks,
    { target, now: new Date(facts.observedAt), asked: asked.map(({ name }) => name) },
  );
  const notAsked = checks.flatMap(({ name, reads }): readonly NotAsked[] => {
    const missing = reads.filter((part) => facts[part] === undefined || isLeftOut(facts, part));
    return missing.length === 0 ? [] : [{ check: name, missing }];
  });
  return { target, verdict: verdictOf(findings), findings, notAsked };
}

/** Nobody has tried to read it. What an older version did not know of is merely absent: its checks say what they can without. */
function isLeftOut(facts: Facts, part: FactPart): boolean {
  const observed = facts[part];
  return observed !== undefined && !isAsked(observed);
}

/**
 * Held when an upstream release or a pin is in the way: then nobody can let the upgrade through tonight, and a nightly
 * alert would only be noise (I19). The findings keep what can be acted on all the same (D12).
 */
export function verdictOf(findings: readonly Finding[]): Verdict {
  const blocking = findings.filter((finding) => finding.severity === 'block');
  if (blocking.length === 0) return 'safe';
  return blocking.every((finding) => finding.class === 'actionable') ? 'blocked' : 'held';
}

/** A check that cannot finish has not said yes: it blocks. */
function evaluateSafely(check: Check, facts: Facts, context: GateContext): readonly Finding[] {
  try {
    return check.evaluate(facts, context);
  } catch (error) {
    return [
      {
        check: check.name,
        reason: 'CheckFailed',
        class: 'actionable',
        severity: 'block',
        message: `evaluating the check ${check.name} for ${context.target}: ${reasonOf(error)}`,
        remedy:
          (error instanceof NightliftError ? error.remedy : undefined) ??
          'This is a fault of Nightlift: report it with the output of `nightlift facts`.',
      },
    ];
  }
}

function jumpTo(facts: Facts, target: string): Jump | 'unknown' {
  const versions = runningVersions(facts);
  if (!versions.known) return 'unknown';
  if (versions.value.oldest === target) return 'none';
  return minorOf(versions.value.oldest) === minorOf(target) ? 'patch' : 'minor';
}
