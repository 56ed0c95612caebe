import type { FactPart, Facts } from '../facts/facts.ts';
import type { TargetChoice } from '../facts/target-choice.ts';
import { minorOf, nextMinor, patchOf } from '../version.ts';
import { possibleTarget, runningFromAll } from './possible-target.ts';
import { patchesAbove, releasesOfNextMinor } from './published-versions.ts';
import { aboveCeiling, newestAllowed, refusedByPolicy, type TargetPolicy } from './target-policy.ts';

/** What a choice is made from. */
export const CHOICE_READS: readonly FactPart[] = [
  'apiServer',
  'nodes',
  'patchReleases',
  'nextMinorReleases',
  'firstSeen',
];

/**
 * The one version that the cluster should go to now. What a half-done upgrade went for comes first, whatever has been
 * published since: a mixed cluster is not a place to stay. A look-up that failed never widens the jump (D02).
 */
export function chooseTarget(facts: Facts, policy: TargetPolicy): TargetChoice {
  const versions = runningFromAll(facts);
  if (!versions.known) return { kind: 'unknown', why: versions.why };
  const { oldest: running, newestApiServer, halfDone } = versions.value;
  if (halfDone) return finish(running, newestApiServer, policy);

  const patches = patchesAbove(facts, running);
  if (!patches.known) return { kind: 'unknown', why: patches.why };
  const patch = newestAllowed(patches.value, facts, policy);
  if (patch.version !== undefined)
    return possibleTarget(patch.version, running, `newest patch of ${minorOf(running)} that may be taken`);
  // Waiting for a patch to get old enough is no reason to take a larger step instead.
  if (patch.tooYoung.length > 0) return { kind: 'none', running, why: patch.why };
  return chooseMinor(facts, policy, running, patch.why);
}

function chooseMinor(facts: Facts, policy: TargetPolicy, running: string, patchWhy: string): TargetChoice {
  const minor = nextMinor(minorOf(running));
  const none = (why: string): TargetChoice => ({ kind: 'none', running, why: `${patchWhy}; ${why}` });
  if (aboveCeiling(`${minor}.0`, policy.ceiling)) return none(`${minor} is above the ceiling ${policy.ceiling}`);
  const releases = releasesOfNextMinor(facts, minor);
  if (!releases.known) return { kind: 'unknown', why: releases.why };
  if (releases.value === null) return none(`${minor} is not published`);
  const old = releases.value.filter((version) => patchOf(version) >= policy.firstPatchOfMinor);
  if (old.length === 0) {
    return none(
      `of ${minor} only ${releases.value.join(', ')} is published, and ${minor}.${policy.firstPatchOfMinor} is the first to be taken`,
    );
  }
  const choice = newestAllowed(old, facts, policy);
  return choice.version === undefined
    ? none(choice.why)
    : possibleTarget(
        choice.version,
        running,
        `${patchWhy}; ${choice.version} is the newest of the next minor that may be taken`,
      );
}

function finish(running: string, version: string, policy: TargetPolicy): TargetChoice {
  const refused = refusedByPolicy(version, policy);
  return refused === undefined
    ? possibleTarget(version, running, `an API server already runs ${version}: the half-done upgrade is finished first`)
    : { kind: 'none', running, why: `the cluster is half-done between ${running} and ${version}, but ${refused}` };
}
