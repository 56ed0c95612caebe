import type { WorkloadFact } from '../facts/facts.ts';
import { minorNumber, minorOf, previousMinor } from '../version.ts';
import { recognize } from './addon-image.ts';
import {
  type Addon,
  allows,
  compareAddonVersions,
  isListed,
  rowFor,
  type SupportRow,
  supportRows,
} from './addon-matrix.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import type { GateOptions } from './gate-options.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'addon-compat';

/** Addons of which the running version does not go up to the target's minor. Minor jumps only: inside a minor the running cluster is the proof (I15). */
export const addonCompat: Check = {
  name: NAME,
  reads: ['workloads', 'nodes'],
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
    const running = options.addons.matrix.addons.flatMap((addon) => runningVersions(addon, workloads));
    const findings = running.flatMap((one) => {
      const finding = judge(one, minor, options.addons.untested);
      return finding === undefined
        ? []
        : [{ ...finding, subject: `${one.addon.name} ${one.version ?? 'of unknown version'}` }];
    });
    return [...findings, ...withoutTable(running), ...unlisted(workloads, running)];
  },
};

/** An addon in one of the versions in which it runs, with all that run it. */
interface Running {
  readonly addon: Addon;
  readonly version: string | undefined;
  readonly workloads: readonly WorkloadFact[];
}

/** What one workload's tag says is nothing about another one that has none: each is judged by itself. */
function runningVersions(addon: Addon, workloads: readonly WorkloadFact[]): readonly Running[] {
  const found = workloads.flatMap((workload) => recognize(addon, workload) ?? []);
  return [...Map.groupBy(found, ({ version }) => version)].map(([version, some]) => ({
    addon,
    version,
    workloads: some.map(({ workload }) => workload),
  }));
}

function judge(running: Running, minor: string, untested: GateOptions['addons']['untested']): Finding | undefined {
  const { addon, version } = running;
  if (addon.managedByKubeadm) return undefined;
  if (addon.follows) return follower(running, minor);
  const rows = supportRows(addon);
  if (rows.length === 0) return addon.retired ? retiredFinding(running, minor) : undefined;
  const row = version === undefined ? undefined : rowFor(rows, version);
  if (version === undefined || row === undefined) return unknownVersion(running, rows, minor);
  if (isListed(row, version)) return allows(row, minor) ? undefined : exceeded(running, row, rows, minor, untested);
  return allows(row, minor) ? notListed(running, row, rows, minor) : unknownVersion(running, rows, minor);
}

function exceeded(
  running: Running,
  row: SupportRow,
  rows: readonly SupportRow[],
  minor: string,
  untested: GateOptions['addons']['untested'],
): Finding {
  const { addon } = running;
  const { name } = addon;
  const newer = newerReleases(rows, row.version, minor);
  const upTo = `${describe(running)} ${ceilingOf(addon)} ${row.max ?? minor}; the target is ${minor}`;
  const finding = (reason: string, kind: Finding['class'], next: string, remedy: string): Finding => ({
    check: NAME,
    reason,
    class: kind,
    // What is pinned is held on purpose, whatever is let through for others.
    severity: kind !== 'pinned' && addon.basis === 'tested' && untested === 'warn' ? 'warn' : 'block',
    message: `${upTo}, and ${next}`,
    remedy,
  });
  if (addon.pinned) {
    const because = addon.reason === '' ? 'no reason given' : addon.reason;
    const remedy = 'Take the pin off in the addon matrix when the reason is gone.';
    return finding('AddonPinned', 'pinned', `it is pinned: ${because}`, remedy);
  }
  if (newer.fitting !== undefined)
    return finding(
      'AddonTooOld',
      'actionable',
      `${newer.fitting.from} supports ${minor}`,
      `Upgrade ${name} to ${spoken(newer.fitting)}${source(addon)}.`,
    );
  if (newer.tooHigh !== undefined)
    return finding(
      'AddonNoOverlap',
      'actionable',
      `${newer.tooHigh} supports it, but begins with it: no known release supports ${previousMinor(minor)} as well`,
      `Find out which release of ${name} works with both${source(addon)}, and say so in your own matrix (\`addons.matrixFile\`).`,
    );
  const none = `no known release supports ${minor}`;
  if (addon.retired)
    return finding(
      'AddonRetired',
      'actionable',
      none,
      `${name} is retired and will never support ${minor}: replace it${source(addon)}.`,
    );
  return finding(
    'AddonWaiting',
    'waiting',
    none,
    `Wait for a release of ${name} that supports ${minor}${source(addon)}; if there is one, add it with \`addons.matrixFile\`.`,
  );
}

function ceilingOf({ basis }: Addon): string {
  return basis === 'tested' ? 'is tested up to' : 'supports up to';
}

/** Releases to go to, from one to another. */
interface Releases {
  readonly from: string;
  readonly to: string;
  /** Whatever is newer will do as well. */
  readonly open: boolean;
}

/**
 * Newer releases that go up to the target. Those that fit can be taken before the upgrade, as they do not begin above what
 * runs; else the oldest that begins too high.
 */
function newerReleases(
  rows: readonly SupportRow[],
  than: string | undefined,
  minor: string,
): { fitting?: Releases; tooHigh?: string } {
  const newer = rows.filter(({ version }) => than === undefined || compareAddonVersions(version, than) > 0);
  const allowing = newer.filter((row) => allows(row, minor));
  const fitting = allowing.filter((row) => minorNumber(row.min) < minorNumber(minor));
  const [first, last] = [fitting[0], fitting.at(-1)];
  if (first === undefined || last === undefined) {
    const tooHigh = allowing[0]?.version;
    return tooHigh === undefined ? {} : { tooHigh };
  }
  return { fitting: { from: first.version, to: last.version, open: newer.at(-1) === last && first !== last } };
}

function spoken({ from, to, open }: Releases): string {
  if (open) return `${from} or newer`;
  return from === to ? from : `${from}, or newer up to ${to}`;
}

/** Between the rows or above them: a newer version than its row is taken to support no less, and that is said. */
function notListed(running: Running, row: SupportRow, rows: readonly SupportRow[], minor: string): Finding | undefined {
  if (row.max === null) return undefined;
  const { addon } = running;
  return note(
    'AddonNotListed',
    `${describe(running)} is not in the matrix, which has ${linesOf(rows)}; it counts as ${row.version}, which ${ceilingOf(addon)} ${row.max}`,
    `See that it supports ${minor}${source(addon)}, and add it to your own matrix (\`addons.matrixFile\`).`,
  );
}

/** Older than everything that is known, beyond what is known, or without a version: nobody knows how far it goes. */
function unknownVersion(running: Running, rows: readonly SupportRow[], minor: string): Finding {
  const { addon, version } = running;
  const where = place(running);
  const why =
    version === undefined
      ? `no image tag of ${where} says which version it is`
      : `${version} in ${where} is not listed; the matrix has ${linesOf(rows)}`;
  const own =
    version === undefined
      ? 'give its image a tag that says the version'
      : 'add this version to your own matrix (`addons.matrixFile`)';
  const fitting = addon.pinned ? undefined : newerReleases(rows, version, minor).fitting;
  const remedy = fitting === undefined ? capitalized(own) : `Upgrade ${addon.name} to ${spoken(fitting)}, or ${own}`;
  return {
    ...unknownFinding(NAME, `the newest minor that ${addon.name} supports`, why, `${remedy}${source(addon)}.`),
    reason: 'AddonUnknown',
  };
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function linesOf(rows: readonly SupportRow[]): string {
  return `${rows[0]?.version ?? ''} to ${rows.at(-1)?.version ?? ''}`;
}

function retiredFinding(running: Running, minor: string): Finding {
  return {
    check: NAME,
    reason: 'AddonRetired',
    class: 'actionable',
    severity: 'block',
    message: `${describe(running)} is retired, and nobody says whether it works with ${minor}`,
    remedy: `Replace it, or add \`supports\` for it to your own matrix (\`addons.matrixFile\`) when you have tried it${source(running.addon)}.`,
  };
}

function follower(running: Running, minor: string): Finding | undefined {
  const version = running.version;
  if (version !== undefined && minorOf(version) === minor) return undefined;
  return note(
    'AddonFollows',
    `${describe(running)} goes to the minor of the cluster after it`,
    `Upgrade it to ${minor} after the cluster.`,
  );
}

function withoutTable(running: readonly Running[]): Finding[] {
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
function unlisted(workloads: readonly WorkloadFact[], running: readonly Running[]): Finding[] {
  const shared = new Set(['kube-system']);
  const known = new Set(
    running.flatMap(({ workloads }) => workloads.map(({ namespace }) => namespace)).filter((name) => !shared.has(name)),
  );
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

function describe(running: Running): string {
  return `${running.addon.name} ${running.version ?? '(unknown version)'} (${place(running)})`;
}

const PLACES_SHOWN = 3;

function place({ workloads }: Running): string {
  const all = workloads.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);
  const more = all.length - PLACES_SHOWN;
  return more > 0 ? `${all.slice(0, PLACES_SHOWN).join(', ')} and ${more} more` : all.join(', ');
}

function source(addon: Addon): string {
  return addon.source === '' ? '' : ` (${addon.source})`;
}
