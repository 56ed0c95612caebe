import { createHash } from 'node:crypto';
import { matrixName } from './parse-settings.ts';
import type { Settings } from './settings.ts';

/** What a run may do, as it really is, by the name of the setting. */
export type Limits = Readonly<Record<string, string>>;

const NAMES = [
  'dryRun',
  'window',
  'target.ceiling',
  'target.skip',
  'target.minimumAgeHours',
  'target.firstPatchOfMinor',
  'target.hopsPerNight',
  'promotion',
  'alerts.required',
  'alerts.severities',
  'alerts.ignore',
  'alerts.selfInflicted',
  'addons.untested',
  'addons.matrixFile',
  'acceptedRisks',
  'budgets',
  'drain.mode',
  'drain.policies',
  'drain.headroom',
  'drain.stuckPods',
  'drain.awaitReplacements',
  'drain.deleteEmptyDir',
  'drain.deleteBarePods',
  'triggers.crashLoopPercent',
  'triggers.mounts',
  'quiesce',
  'snapshot.required',
  'snapshot.own',
  'snapshot.restoreProof',
  'kured.takeLock',
  'containerd.raise',
  'kubeadm.ignorePreflightErrors',
  'kubeadm.skipPhases',
  'kubeadm.droppedFlags',
  'kubeadm.expectedChanges',
  'postflight.podReadyRatio',
  'ssh.hostKeys',
  'packages.keyFingerprints',
] as const;

/** A line of a log and a record of the cluster hold all of them; a hash stands for the rest of a long one. */
const LONGEST = 160;

/**
 * The effective limits, defaults included: what is logged at every start, and compared from night to night.
 * `addonMatrix`: the operator's file, in which addons are pinned; its hash changes when it does.
 */
export function limitsOf(settings: Settings, addonMatrix: unknown): Limits {
  const limits = Object.fromEntries(NAMES.map((name) => [name, shown(valueAt(settings, name))]));
  if (addonMatrix === undefined) return limits;
  return { ...limits, 'addons.matrixFile': `${matrixName(settings)} (${hashOf(JSON.stringify(addonMatrix))})` };
}

/** What is not the same in both, in words: `dryRun: true → false`. A limit that only one of them knows is of another version of the program. */
export function limitChanges(before: Limits, after: Limits): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name}: ${before[name] ?? 'not recorded'} → ${after[name] ?? 'not known any more'}`);
}

function valueAt(settings: Settings, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], settings);
}

function shown(value: unknown): string {
  const text = textOf(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${hashOf(text)})`;
}

function textOf(value: unknown): string {
  if (value === null || value === '') return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(textOf).join(', ');
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value) ?? 'undefined';
  return Object.entries(value)
    .filter(([, part]) => part !== '')
    .map(([key, part]) => `${key}=${textOf(part)}`)
    .join(' ');
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
