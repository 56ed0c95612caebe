import type { FactPart, Facts } from '../facts/facts.ts';
import type { RunningVersions } from '../facts/running-versions.ts';
import type { UnknownTarget } from '../facts/target-choice.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { compareVersions, jumpBetween, minorNumber, minorOf, patchOf } from '../version.ts';
import { CHOICE_READS } from './choose-target.ts';
import { runningFromAll } from './possible-target.ts';
import { releasesOfMinor } from './published-versions.ts';
import { type RefusedTarget, upgradePath } from './target-from-user.ts';
import { newestAllowed, type TargetPolicy } from './target-policy.ts';

/** What `pathFromUser` looks at. */
export const PATH_READS: readonly FactPart[] = [...CHOICE_READS, 'laterReleases', 'chainJobs', 'run'];

export interface Hop {
  /** X.Y.Z. */
  readonly version: string;
  readonly why: string;
}

/** Several upgrades one after the other, of a minor at most each. */
export interface UpgradePath {
  readonly kind: 'path';
  readonly from: string;
  readonly target: string;
  readonly hops: readonly Hop[];
}

/**
 * The way to a version that one upgrade does not reach; undefined where one does, or where there is no way up at all: that is
 * `targetFromUser`'s to say. The person has named the end of it; what lies between is chosen here, and so nothing that may not be taken without a person.
 */
export function pathFromUser(
  facts: Facts,
  target: string,
  policy: TargetPolicy,
): UpgradePath | UnknownTarget | RefusedTarget | undefined {
  const versions = runningFromAll(facts);
  if (!versions.known) return undefined;
  const { oldest: from, newestApiServer } = versions.value;
  // Another major is no minor away.
  if (target.split('.')[0] !== newestApiServer.split('.')[0]) return undefined;
  const begun = begunOn(facts, versions.value, target);
  const way = upgradePath(begun ?? newestApiServer, target);
  if (way.length + (begun === undefined ? 0 : 1) < 2) return undefined;
  if (policy.skip.includes(target)) return undefined;

  const hops: Hop[] = begun === undefined ? [] : [{ version: begun, why: 'begun already, and finished first' }];
  for (const minor of way.slice(0, -1)) {
    const hop = hopThrough(minor, facts, target, policy);
    if (hop.kind !== 'hop') return hop;
    hops.push(hop);
  }
  const published = isPublished(facts, target);
  if (!published.known) return { kind: 'unknown', why: published.why };
  if (published.value !== true) return refused('not-published', published.value, 'Give one of the published versions.');
  return { kind: 'path', from, target, hops: [...hops, { version: target, why: 'a person asked for it' }] };
}

/** The version of a run that has begun and is not closed, where it lies below the minor of the target. */
function begunOn(facts: Facts, { newestApiServer, halfDone }: RunningVersions, target: string): string | undefined {
  const { chainJobs, run } = facts;
  const active = chainJobs.known ? chainJobs.value.find(({ status }) => status === 'active')?.target : undefined;
  const open = run.known && run.value.startedAt !== null ? (run.value.target ?? undefined) : undefined;
  const begun = active ?? (halfDone ? newestApiServer : open);
  if (begun === undefined || begun === '' || minorNumber(begun) >= minorNumber(target)) return undefined;
  return typeof jumpBetween(newestApiServer, begun) === 'string' ? begun : undefined;
}

function hopThrough(
  minor: string,
  facts: Facts,
  target: string,
  policy: TargetPolicy,
): (Hop & { readonly kind: 'hop' }) | UnknownTarget | RefusedTarget {
  const releases = releasesOfMinor(facts, minor);
  if (!releases.known) return { kind: 'unknown', why: releases.why };
  const onTheWay = `${minor} lies on the way to ${target}, as kubeadm goes one minor at a time`;
  if (releases.value === null)
    return refused('not-published', `${onTheWay}, and is not published`, 'See what the package source has.');
  const taken = releases.value.filter((version) => patchOf(version) >= policy.firstPatchOfMinor);
  const { version, why } = newestAllowed(taken, facts, policy);
  if (version !== undefined)
    return { kind: 'hop', version, why: `the newest of ${minor} that may be taken, on the way to ${target}` };
  return refused(
    'policy',
    `${onTheWay}, and no version of it may be taken: ${taken.length === 0 ? `${releases.value.join(', ')} is below ${minor}.${policy.firstPatchOfMinor}, the first to be taken` : why}`,
    `Change \`target\` in the settings, or go there by yourself: \`nightlift upgrade --to\` a version of ${minor}.`,
  );
}

/** True, or what is published instead. Who cannot reach the feed leaves it to the preflight of that hop, as for a single one. */
function isPublished(facts: Facts, target: string): Observed<true | string> {
  const minor = minorOf(target);
  const releases = releasesOfMinor(facts, minor);
  if (!releases.known) {
    const { laterReleases, nextMinorReleases } = facts;
    const isLeft = [nextMinorReleases, laterReleases].some((one) => one?.known === false && one.notFromHere === true);
    return isLeft ? known(true) : unknown(releases.why);
  }
  const offered = (releases.value ?? []).toSorted(compareVersions);
  if (offered.includes(target)) return known(true);
  return known(`${target} is not published; of ${minor}: ${offered.length === 0 ? 'none' : offered.join(', ')}`);
}

function refused(because: RefusedTarget['because'], why: string, remedy: string): RefusedTarget {
  return { kind: 'refused', because, why, remedy };
}
