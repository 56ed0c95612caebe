import type { Facts, ReleaseFact } from '../facts/facts.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { compareVersions, minorOf, newestVersion } from '../version.ts';

/** Published patches of the running minor above the running version, ascending. An empty or foreign answer is a failed one (I14). */
export function patchesAbove(facts: Facts, running: string): Observed<readonly string[]> {
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

export function releasesOfNextMinor(facts: Facts, minor: string): Observed<readonly string[] | null> {
  const releases = facts.nextMinorReleases;
  if (!releases.known) return unknown(`the releases of ${minor} could not be looked up: ${releases.why}`);
  return releases.value === null ? known(null) : ofMinor(releases.value, minor);
}

/** Of any minor above the running one. */
export function releasesOfMinor(facts: Facts, minor: string): Observed<readonly string[] | null> {
  const { nextMinorReleases: next, laterReleases: later } = facts;
  if (next.known && (next.value === null || next.value.minor === minor)) return releasesOfNextMinor(facts, minor);
  if (later?.known !== true)
    return unknown(`the releases of ${minor} could not be looked up: ${later?.why ?? 'these facts have none of it'}`);
  const release = later.value.find((one) => one.minor === minor);
  return release === undefined ? known(null) : ofMinor(release, minor);
}

/** The versions of one minor and no other (D04). Sources that were asked for another minor than the one that counts disagree with the cluster. */
function ofMinor(release: ReleaseFact, minor: string): Observed<readonly string[]> {
  if (release.minor !== minor)
    return unknown(`${release.source} answers for ${release.minor}, but ${minor} was wanted`);
  const versions = release.versions.filter((version) => minorOf(version) === minor);
  if (versions.length === 0) return unknown(`${release.source} has no version of ${minor}, which is not an answer`);
  return known(versions.toSorted(compareVersions));
}
