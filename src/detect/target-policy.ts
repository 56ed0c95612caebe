import type { Facts } from '../facts/facts.ts';
import type { Settings } from '../settings/settings.ts';
import { compareVersions, isMinor, minorOf, newestVersion } from '../version.ts';

export type TargetPolicy = Omit<Settings['target'], 'hopsPerNight'>;

interface Allowed {
  readonly version: string | undefined;
  readonly tooYoung: readonly string[];
  readonly why: string;
}

/** The newest of them that the policy lets through, and what became of the others. */
export function newestAllowed(versions: readonly string[], facts: Facts, policy: TargetPolicy): Allowed {
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

export function refusedByPolicy(version: string, policy: TargetPolicy): string | undefined {
  if (policy.skip.includes(version)) return `${version} is on the skip list`;
  return aboveCeiling(version, policy.ceiling) ? `${version} is above the ceiling ${policy.ceiling}` : undefined;
}

export function aboveCeiling(version: string, ceiling: string): boolean {
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
