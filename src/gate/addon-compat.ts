import type { WorkloadFact } from '../facts/facts.ts';
import { minorNumber, minorOf } from '../version.ts';
import { type RunningAddon, recognize } from './addon-image.ts';
import { type Addon, allows, compareAddonVersions, rowFor, type SupportRow, supportRows } from './addon-matrix.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import type { GateOptions } from './gate-options.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'addon-compat';

/** Addons of which the running version does not go up to the target's minor. Minor jumps only: inside a minor the running cluster is the proof (I15). */
export const addonCompat: Check = {
  name: NAME,
  evaluate(facts, { target, jump, options }) {
    if (jump === 'patch' || jump === 'none') return [];
    if (!facts.workloads.known) {
      return [
        unknownFinding(
          NAME,
          'the workloads',
          facts.workloads.why,
          'Check the account: kubectl auth can-i list deployments.apps -A.',
        ),
      ];
    }
    const workloads = facts.workloads.value;
    const minor = minorOf(target);
    const running = options.addons.matrix.addons.flatMap((addon) => distinctVersions(addon, workloads));
    const findings = running.flatMap((one) => judge(one, minor, options.addons.untested) ?? []);
    return [...findings, ...withoutTable(running), ...unlisted(workloads, running)];
  },
};

/** One entry for each version of an addon, however many workloads run it. */
function distinctVersions(addon: Addon, workloads: readonly WorkloadFact[]): readonly RunningAddon[] {
  const byVersion = new Map<string | undefined, RunningAddon>();
  for (const workload of workloads) {
    const running = recognize(addon, workload);
    if (running !== undefined && !byVersion.has(running.version)) byVersion.set(running.version, running);
  }
  // A second workload whose tag says nothing adds no knowledge to one whose tag does.
  if (byVersion.size > 1) byVersion.delete(undefined);
  return [...byVersion.values()];
}

function judge(running: RunningAddon, minor: string, untested: GateOptions['addons']['untested']): Finding | undefined {
  const { addon, version } = running;
  if (addon.managedByKubeadm) return undefined;
  if (addon.follows) return follower(running, minor);
  const rows = supportRows(addon);
  if (rows.length === 0) return addon.retired ? retiredFinding(running, minor) : undefined;
  const row = version === undefined ? undefined : rowFor(rows, version);
  if (row === undefined) return unlistedVersion(running, rows, minor);
  return allows(row, minor) ? undefined : exceeded(running, row, rows, minor, untested);
}

function exceeded(
  running: RunningAddon,
  row: SupportRow,
  rows: readonly SupportRow[],
  minor: string,
  untested: GateOptions['addons']['untested'],
): Finding {
  const { addon } = running;
  const newer = newerRelease(rows, row, minor);
  const ceiling = addon.basis === 'tested' ? 'is tested up to' : 'supports up to';
  const next = newer === undefined ? `no known release supports ${minor}` : `${newer.version} supports ${minor}`;
  const finding = (reason: string, kind: Finding['class'], remedy: string): Finding => ({
    check: NAME,
    reason,
    class: kind,
    severity: addon.basis === 'tested' && untested === 'warn' ? 'warn' : 'block',
    message: `${describe(running)} ${ceiling} ${row.max ?? minor}; the target is ${minor}, and ${next}`,
    remedy,
  });
  if (addon.pinned) {
    const because = addon.reason === '' ? 'no reason given' : addon.reason;
    return {
      ...finding('AddonPinned', 'pinned', 'Take the pin off in the addon matrix when the reason is gone.'),
      // Held on purpose, whatever is let through for others.
      severity: 'block',
      message: `${describe(running)} ${ceiling} ${row.max ?? minor}; the target is ${minor}, and it is pinned: ${because}`,
    };
  }
  if (newer !== undefined)
    return finding(
      'AddonTooOld',
      'actionable',
      `Upgrade ${addon.name} to ${newer.version}${newer.first ? '' : ' or newer'}${source(addon)}.`,
    );
  if (addon.retired)
    return finding(
      'AddonRetired',
      'actionable',
      `${addon.name} is retired and will never support ${minor}: replace it${source(addon)}.`,
    );
  return finding(
    'AddonWaiting',
    'waiting',
    `Wait for a release of ${addon.name} that supports ${minor}${source(addon)}; if there is one, add it with \`addons.matrixFile\`.`,
  );
}

/** The oldest newer release that goes up to the target, by preference one that the running cluster can take before the upgrade. */
function newerRelease(
  rows: readonly SupportRow[],
  from: SupportRow,
  minor: string,
): { version: string; first: boolean } | undefined {
  const newer = rows.filter((row) => compareAddonVersions(row.version, from.version) > 0 && allows(row, minor));
  const chosen = newer.find((row) => minorNumber(row.min) < minorNumber(minor)) ?? newer[0];
  return chosen === undefined ? undefined : { version: chosen.version, first: newer.length === 1 };
}

/** A version that is not in the table blocks only where some version of the addon would be refused: else there is nothing to be afraid of. */
function unlistedVersion(running: RunningAddon, rows: readonly SupportRow[], minor: string): Finding | undefined {
  const { addon, version } = running;
  const newest = rows.at(-1);
  const beyondOpenEnd =
    version !== undefined &&
    newest !== undefined &&
    newest.max === null &&
    compareAddonVersions(version, newest.version) > 0;
  if (beyondOpenEnd || rows.every((row) => allows(row, minor))) return undefined;
  const lines = `the matrix has ${rows[0]?.version ?? ''} to ${newest?.version ?? ''}`;
  const why =
    version === undefined
      ? `no image tag of ${place(running)} says it`
      : `${version} in ${place(running)} is not listed; ${lines}`;
  return {
    ...unknownFinding(
      NAME,
      `the newest minor that ${addon.name} supports`,
      why,
      `Add this version, or this image, to your own matrix (\`addons.matrixFile\`)${source(addon)}.`,
    ),
    reason: 'AddonUnknown',
  };
}

function retiredFinding(running: RunningAddon, minor: string): Finding {
  return {
    check: NAME,
    reason: 'AddonRetired',
    class: 'actionable',
    severity: 'block',
    message: `${describe(running)} is retired, and nobody says whether it works with ${minor}`,
    remedy: `Replace it, or add \`supports\` for it to your own matrix (\`addons.matrixFile\`) when you have tried it${source(running.addon)}.`,
  };
}

function follower(running: RunningAddon, minor: string): Finding | undefined {
  const version = running.version;
  if (version !== undefined && minorOf(version) === minor) return undefined;
  return note(
    'AddonFollows',
    `${describe(running)} goes to the minor of the cluster after it`,
    `Upgrade it to ${minor} after the cluster.`,
  );
}

function withoutTable(running: readonly RunningAddon[]): Finding[] {
  const names = running
    .filter(
      ({ addon }) =>
        !addon.managedByKubeadm && !addon.follows && !addon.retired && Object.keys(addon.supports).length === 0,
    )
    .map((one) => `${one.addon.name} ${one.version ?? '(unknown version)'}`);
  if (names.length === 0) return [];
  return [
    note(
      'AddonWithoutTable',
      `no table of supported minors is published for ${names.join(', ')}`,
      'Look at their release notes once; your own matrix (`addons.matrixFile`) can set a ceiling.',
    ),
  ];
}

/** What stands where addons stand and is in no table (D11). Companions in a namespace of a known addon are part of it. */
function unlisted(workloads: readonly WorkloadFact[], running: readonly RunningAddon[]): Finding[] {
  const shared = new Set(['kube-system']);
  const known = new Set(running.map((one) => one.workload.namespace).filter((namespace) => !shared.has(namespace)));
  const recognized = new Set(running.map((one) => one.addon));
  const names = workloads
    .filter((workload) => /^kube-|-system$/.test(workload.namespace) && !known.has(workload.namespace))
    .filter((workload) => !(workload.namespace === 'kube-system' && workload.name === 'kube-proxy'))
    .filter((workload) => ![...recognized].some((addon) => recognize(addon, workload) !== undefined))
    .map((workload) => `${workload.namespace}/${workload.name}`);
  if (names.length === 0) return [];
  return [
    note(
      'AddonUnlisted',
      `not in the addon matrix, so not compared: ${names.toSorted().join(', ')}`,
      'Add those that depend on the version of Kubernetes to your own matrix (`addons.matrixFile`).',
    ),
  ];
}

function note(reason: string, message: string, remedy: string): Finding {
  return { check: NAME, reason, class: 'actionable', severity: 'warn', message, remedy };
}

function describe(running: RunningAddon): string {
  return `${running.addon.name} ${running.version ?? '(unknown version)'} (${place(running)})`;
}

function place({ workload }: RunningAddon): string {
  return `${workload.kind} ${workload.namespace}/${workload.name}`;
}

function source(addon: Addon): string {
  return addon.source === '' ? '' : ` (${addon.source})`;
}
