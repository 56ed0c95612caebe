import type { DeprecatedApiFact, Facts } from '../facts/facts.ts';
import { runningVersions } from '../facts/running-versions.ts';
import { isMinor, minorNumber } from '../version.ts';
import { blindSpots } from './blind-spots.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import removals from './removed-apis.json' with { type: 'json' };
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'removed-apis';

interface Removal {
  /** The first minor without it. */
  readonly removed: string;
  /** group/version that has the same resource; null when there is none. */
  readonly use: string | null;
}

/** Somebody still calls an API that the target's API server does not have any more. */
export const removedApis: Check = {
  name: NAME,
  reads: ['deprecatedApis', 'apiServerMetrics', 'nodes'],
  evaluate(facts, { target, options }) {
    if (!facts.deprecatedApis.known) {
      const finding = unknownFinding(
        NAME,
        'the use of deprecated APIs',
        facts.deprecatedApis.why,
        'Let Prometheus scrape apiserver_requested_deprecated_apis of all API servers (`alerts.prometheusUrl`).',
      );
      // No API is removed inside a minor, so who has said that there is no Prometheus still gets patches.
      const harmless = !options.alerts.required && sameMinor(facts, target);
      return [harmless ? { ...finding, severity: 'warn' } : finding];
    }
    if (sameMinor(facts, target)) return [];
    const inUse = facts.deprecatedApis.value.flatMap((api) => {
      const finding = judge(api, target, oldestServed(facts));
      return finding === undefined ? [] : [finding];
    });
    const spots = blindSpots(facts);
    if (spots === undefined) return inUse;
    return [...inUse, unknownFinding(NAME, 'the use of deprecated APIs', spots.why, spots.remedy)];
  },
};

/** `running`: the oldest API server, which serves nothing that its minor or an older one has removed. */
function judge(api: DeprecatedApiFact, target: string, running: string | undefined): Finding | undefined {
  const name = `${api.group === '' ? '' : `${api.group}/`}${api.version} ${api.resource}`;
  const removal = removalOf(api);
  if (api.removedRelease !== '' && !isMinor(api.removedRelease)) {
    return unknownFinding(
      NAME,
      `the removal of ${name}, which is in use,`,
      `removed_release is "${api.removedRelease}"`,
      'See which minor drops it: kubernetes.io/docs/reference/using-api/deprecation-guide.',
    );
  }
  // The table knows removals that were not yet announced when the running API server was built.
  const removed = [api.removedRelease, removal?.removed ?? '']
    .filter((minor) => minor !== '' && (running === undefined || minorNumber(minor) > minorNumber(running)))
    .toSorted((a, b) => minorNumber(a) - minorNumber(b))[0];
  if (removed === undefined || minorNumber(removed) > minorNumber(target)) return undefined;
  const use = removal?.use ?? null;
  return {
    check: NAME,
    reason: 'RemovedApiInUse',
    class: 'actionable',
    severity: 'block',
    subject: name,
    message: `${name} is in use and removed in ${removed}; the target is ${target}`,
    remedy: `${use === null ? 'Migrate its callers to a version that kubectl api-resources shows, or stop them' : `Migrate its callers to ${use}`}; the audit log of the API servers and the managedFields of the objects name them.`,
  };
}

function removalOf(api: DeprecatedApiFact): Removal | undefined {
  const table: Readonly<Record<string, Removal>> = removals.apis;
  return table[`${api.group}/${api.version}/${api.resource}`];
}

/** The look-back holds uses from before the last minor upgrade as well; what is gone already cannot be in use. */
function oldestServed(facts: Facts): string | undefined {
  const versions = runningVersions(facts);
  return versions.known ? versions.value.oldestApiServer : undefined;
}

function sameMinor(facts: Facts, target: string): boolean {
  const running = oldestServed(facts);
  return running !== undefined && minorNumber(running) === minorNumber(target);
}
