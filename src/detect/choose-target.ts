import type { Facts, ReleaseFact } from '../facts/facts.ts';
import { type RunningVersions, runningVersions } from '../facts/running-versions.ts';
import type { ChosenTarget, TargetChoice, UnknownTarget } from '../facts/target-choice.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { compareVersions, isMinor, jumpBetween, minorNumber, minorOf, newestVersion, nextMinor } from '../version.ts';

/** The settings group `target`. */
export interface TargetPolicy {
  /** A minor, a version, or empty for none. */
  readonly ceiling: string;
  readonly skip: readonly string[];
  readonly minimumAgeHours: number;
  readonly firstPatchOfMinor: number;
}

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
  const patch = pick(patches.value, facts, policy);
  if (patch.version !== undefined)
    return target(patch.version, running, `newest patch of ${minorOf(running)} that may be taken`);
  // Waiting for a patch to get old enough is no reason to take a larger step instead.
  if (patch.tooYoung.length > 0) return { kind: 'none', running, why: patch.why };
  return chooseMinor(facts, policy, running, patch.why);
}

function runningFromAll(facts: Facts): Observed<RunningVersions> {
  if (!facts.apiServer.known) return unknown(`the API server's version could not be read: ${facts.apiServer.why}`);
  return runningVersions(facts);
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
  const choice = pick(old, facts, policy);
  return choice.version === undefined
    ? none(choice.why)
    : target(
        choice.version,
        running,
        `${patchWhy}; ${choice.version} is the newest of the next minor that may be taken`,
      );
}

function finish(running: string, version: string, policy: TargetPolicy): TargetChoice {
  const refused = refusedByPolicy(version, policy);
  return refused === undefined
    ? target(version, running, `an API server already runs ${version}: the half-done upgrade is finished first`)
    : { kind: 'none', running, why: `the cluster is half-done between ${running} and ${version}, but ${refused}` };
}

function target(version: string, running: string, why: string): ChosenTarget {
  return { kind: 'target', version, jump: minorOf(version) === minorOf(running) ? 'patch' : 'minor', running, why };
}

/** Published patches of the running minor above the running version, ascending. An empty or foreign answer is a failed one (I14). */
function patchesAbove(facts: Facts, running: string): Observed<readonly string[]> {
  const minor = minorOf(running);
  if (!facts.patchReleases.known)
    return unknown(`the patches of ${minor} could not be looked up: ${facts.patchReleases.why}`);
  const versions = ofMinor(facts.patchReleases.value, minor);
  if (!versions.known) return versions;
  const newest = newestVersion(versions.value);
  if (newest === undefined || compareVersions(newest, running) < 0) {
    return unknown(
      `${facts.patchReleases.value.source} offers ${newest ?? 'nothing'} as the newest ${minor}, but ${running} is running: its list is stale`,
    );
  }
  return known(versions.value.filter((version) => compareVersions(version, running) > 0));
}

function releasesOfNextMinor(facts: Facts, minor: string): Observed<readonly string[] | null> {
  const releases = facts.nextMinorReleases;
  if (!releases.known) return unknown(`the releases of ${minor} could not be looked up: ${releases.why}`);
  return releases.value === null ? known(null) : ofMinor(releases.value, minor);
}

/** The versions of one minor and no other (D04). Sources that were asked for another minor than the one that counts disagree with the cluster. */
function ofMinor(release: ReleaseFact, minor: string): Observed<readonly string[]> {
  if (release.minor !== minor)
    return unknown(`${release.source} answers for ${release.minor}, but ${minor} was wanted`);
  const versions = release.versions.filter((version) => minorOf(version) === minor);
  if (versions.length === 0) return unknown(`${release.source} has no version of ${minor}, which is not an answer`);
  return known(versions.toSorted(compareVersions));
}

interface Pick {
  readonly version: string | undefined;
  readonly tooYoung: readonly string[];
  readonly why: string;
}

/** The newest of them that the policy lets through, and what became of the others. */
function pick(versions: readonly string[], facts: Facts, policy: TargetPolicy): Pick {
  const allowed: string[] = [];
  const tooYoung: string[] = [];
  const reasons: string[] = [];
  for (const version of versions) {
    const refused = refusedByPolicy(version, policy);
    const hours = hoursKnown(version, facts);
    if (refused !== undefined) reasons.push(refused);
    else if (hours >= policy.minimumAgeHours) allowed.push(version);
    else {
      tooYoung.push(version);
      reasons.push(`${version} has been known for ${Math.floor(hours)} of ${policy.minimumAgeHours} hours`);
    }
  }
  const why = reasons.length === 0 ? 'there is no newer patch' : reasons.join(', ');
  return { version: newestVersion(allowed), tooYoung, why };
}

function refusedByPolicy(version: string, policy: TargetPolicy): string | undefined {
  if (policy.skip.includes(version)) return `${version} is on the skip list`;
  return aboveCeiling(version, policy.ceiling) ? `${version} is above the ceiling ${policy.ceiling}` : undefined;
}

function aboveCeiling(version: string, ceiling: string): boolean {
  if (ceiling === '') return false;
  if (isMinor(ceiling)) return compareVersions(`${minorOf(version)}.0`, `${ceiling}.0`) > 0;
  return compareVersions(version, ceiling) > 0;
}

/** A version that the detector has no record of, it sees for the first time now. */
function hoursKnown(version: string, facts: Facts): number {
  const seen = facts.firstSeen.known ? facts.firstSeen.value[version] : undefined;
  if (seen === undefined) return 0;
  return Math.max(0, (Date.parse(facts.observedAt) - Date.parse(seen)) / 3_600_000);
}

function patchOf(version: string): number {
  return Number(version.split('.')[2]);
}

export interface RefusedTarget {
  readonly kind: 'refused';
  readonly because: 'equal' | 'lower' | 'skips-minor' | 'not-published' | 'half-done' | 'skip-list';
  readonly why: string;
  readonly remedy: string;
}

/**
 * For `upgrade --to`. A person may go above the ceiling and need not wait for a version to get old, since both say what
 * is taken without a person; the skip list and everything that kubeadm refuses stays refused.
 */
export function targetFromUser(
  facts: Facts,
  version: string,
  policy: TargetPolicy,
): ChosenTarget | UnknownTarget | RefusedTarget {
  const refuse = (because: RefusedTarget['because'], why: string, remedy: string): RefusedTarget => ({
    kind: 'refused',
    because,
    why,
    remedy,
  });
  const versions = runningFromAll(facts);
  if (!versions.known) return { kind: 'unknown', why: versions.why };
  const { oldest: running, newestApiServer, halfDone } = versions.value;

  if (policy.skip.includes(version)) {
    return refuse(
      'skip-list',
      `${version} is on the skip list of the settings`,
      'Take it off `target.skip`, or give another version.',
    );
  }
  const asked = target(version, running, 'a person asked for it');
  if (halfDone && version === newestApiServer)
    return { ...asked, why: `a person asked to finish the half-done upgrade to ${version}` };
  if (version === newestApiServer)
    return refuse('equal', `the whole cluster runs ${version} already`, 'There is nothing to do.');

  const jump = jumpBetween(newestApiServer, version);
  if (compareVersions(version, newestApiServer) < 0) {
    return refuse(
      'lower',
      `${version} is lower than the running ${newestApiServer}, and kubeadm does not downgrade`,
      'Give a newer version; docs/operations.md says how a node is rolled back.',
    );
  }
  if (halfDone && jump !== 'patch') {
    return refuse(
      'half-done',
      `the cluster is half-done between ${running} and ${newestApiServer}`,
      `Finish that upgrade first: \`nightlift upgrade --to ${newestApiServer}\`.`,
    );
  }
  if (typeof jump === 'object') {
    const path = upgradePath(newestApiServer, version);
    return refuse(
      'skips-minor',
      jump.problem,
      `Go ${[newestApiServer, ...path].join(' → ')}: first \`nightlift upgrade --to\` a version of ${path[0] ?? version}.`,
    );
  }

  // In a half-done cluster the newest API server's minor is what apt on an upgraded control plane offers.
  const published =
    jump === 'patch' ? patchesAbove(facts, newestApiServer) : releasesOfNextMinor(facts, minorOf(version));
  if (!published.known) return { kind: 'unknown', why: published.why };
  if (published.value?.includes(version) === true) return asked;
  const offered = published.value === null || published.value.length === 0 ? 'none' : published.value.join(', ');
  return refuse(
    'not-published',
    `${version} is not published; newer than ${newestApiServer} of ${minorOf(version)}: ${offered}`,
    'Give one of the published versions.',
  );
}

/** The hops from one version to another, one minor at a time: '1.35.8', '1.37.1' → ['1.36', '1.37.1']. Empty when there is nothing above. */
export function upgradePath(from: string, to: string): readonly string[] {
  if (compareVersions(to, from) <= 0) return [];
  const hops: string[] = [];
  for (let minor = nextMinor(minorOf(from)); minorNumber(minor) < minorNumber(to); minor = nextMinor(minor))
    hops.push(minor);
  return [...hops, to];
}
