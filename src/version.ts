import semver from 'semver';
import { NightliftError } from './errors.ts';

/**
 * Versions are plain strings 'X.Y.Z' inside the program, minors 'X.Y'; whatever comes from outside ('v1.36.4',
 * '1.36.4-1.1') is brought to that form at the edge by the functions here.
 */
const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;
const MINOR = /^(\d+)\.(\d+)$/;
/** A Debian version of a Kubernetes package, e.g. '1.36.2-2.1': semver reads the revision as a prerelease, so it is cut off here. */
const DEBIAN_VERSION = /^(\d+\.\d+\.\d+)-(\d+(?:\.\d+)*)$/;

/** 'v1.36.4' and '1.36.4' → '1.36.4'; undefined for anything else, prereleases and vendor suffixes included. */
export function parseVersion(text: string): string | undefined {
  const bare = text.startsWith('v') ? text.slice(1) : text;
  return VERSION.test(bare) && semver.valid(bare) === bare ? bare : undefined;
}

/** '1.36.2-2.1' → { version: '1.36.2', revision: '2.1' }; undefined for anything else. */
export function parseDebianVersion(text: string): { version: string; revision: string } | undefined {
  const match = DEBIAN_VERSION.exec(text);
  const version = match?.[1] === undefined ? undefined : parseVersion(match[1]);
  return version === undefined || match?.[2] === undefined ? undefined : { version, revision: match[2] };
}

/** What stands behind the numbers of a version that comes before their release; builds of the release itself ('-debian-12', '+ds1') are none. */
const PRERELEASE =
  /^[-~+._]?((?:0\.)?(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary)(?![a-z])(?:[.-]?\d+)?)/i;

/** '-rc.1' → '-rc.1', '~beta2' → '-beta2', '-debian-12-r1' → ''. Whatever counts its versions like that, a prerelease sorts below its release. */
export function prereleaseOf(suffix: string): string {
  const found = PRERELEASE.exec(suffix)?.[1];
  return found === undefined ? '' : `-${found}`;
}

/** For versions that a person typed. @throws NightliftError (usage) that says what is wrong with this very text. */
export function versionFromUser(text: string, what: string): string {
  const fail = (problem: string): never => {
    throw new NightliftError('usage', `reading ${what} "${text}": ${problem}`, {
      remedy: 'Give a released version in full, for example 1.36.4.',
    });
  };
  const bare = text.trim();
  if (/^v?\d+\.\d+$/.test(bare)) return fail('the patch number is missing');
  if (/^v?\d+\.\d+\.[x*]$/i.test(bare)) return fail('a wildcard is not a version');
  if (/^v?\d+\.\d+\.\d+-\d/.test(bare)) return fail('a package revision is not part of the version');
  if (semver.prerelease(bare) !== null) return fail('prereleases are never installed');
  return parseVersion(bare) ?? fail('this is not a version');
}

export function compareVersions(a: string, b: string): number {
  return semver.compare(a, b);
}

/** The oldest of them; undefined for none. */
export function oldestVersion(versions: readonly string[]): string | undefined {
  return versions.toSorted(compareVersions)[0];
}

export function newestVersion(versions: readonly string[]): string | undefined {
  return versions.toSorted(compareVersions).at(-1);
}

/** '1.36.4' → '1.36'. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** '1.36.4' → 4. */
export function patchOf(version: string): number {
  return Number(version.split('.')[2]);
}

/** Another major is further away than any minor of this one. */
const MINORS_OF_A_MAJOR = 1000;

/** The place in the row of all minors: '1.36' or '1.36.4' → 36, '2.0' → 1000. */
export function minorNumber(versionOrMinor: string): number {
  const [major, minor] = versionOrMinor.split('.').map(Number);
  return ((major ?? Number.NaN) - 1) * MINORS_OF_A_MAJOR + (minor ?? Number.NaN);
}

/** '1.36' → '1.37'. */
export function nextMinor(minor: string): string {
  return neighbour(minor, 1);
}

/** '1.37' → '1.36'. */
export function previousMinor(minor: string): string {
  return neighbour(minor, -1);
}

function neighbour(minor: string, by: number): string {
  const [major, number] = minor.split('.');
  return `${major}.${Number(number) + by}`;
}

export function isMinor(text: string): boolean {
  return MINOR.test(text);
}

/** '1.36.4' → '1-36-4', the form in Job names and in the label target-version. */
export function versionLabel(version: string): string {
  return version.replaceAll('.', '-');
}

export type Jump = 'none' | 'patch' | 'minor';

/**
 * How far `to` is from `from`. kubeadm goes one minor at a time and never back
 * (kubeadm `phases/upgrade/policy.go`), so anything else is an error text.
 */
export function jumpBetween(from: string, to: string): Jump | { problem: string } {
  const order = compareVersions(to, from);
  if (order === 0) return 'none';
  if (order < 0) return { problem: `${to} is lower than the running ${from}; kubeadm does not downgrade` };
  if (semver.major(from) !== semver.major(to)) return { problem: `${to} has another major version than ${from}` };
  const minors = minorNumber(to) - minorNumber(from);
  if (minors === 0) return 'patch';
  if (minors === 1) return 'minor';
  return {
    problem: `${to} is ${minors} minors above the running ${from}; kubeadm goes one minor at a time, ${nextMinor(minorOf(from))} comes next`,
  };
}
