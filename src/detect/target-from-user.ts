import type { Facts } from '../facts/facts.ts';
import type { ChosenTarget, UnknownTarget } from '../facts/target-choice.ts';
import { compareVersions, jumpBetween, minorNumber, minorOf, nextMinor } from '../version.ts';
import { possibleTarget, runningFromAll } from './possible-target.ts';
import { patchesAbove, releasesOfNextMinor } from './published-versions.ts';
import type { TargetPolicy } from './target-policy.ts';

export interface RefusedTarget {
  readonly kind: 'refused';
  readonly because: 'equal' | 'lower' | 'skips-minor' | 'not-published' | 'half-done' | 'skip-list' | 'policy';
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
  const asked = possibleTarget(version, running, 'a person asked for it');
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
