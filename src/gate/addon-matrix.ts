import { z } from 'zod';
import { NightliftError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { minorNumber } from '../version.ts';
import builtIn from './addon-compat.json' with { type: 'json' };

const ADDON_VERSION = /^\d+\.\d+(?:\.\d+)?$/;
/** '1.31-1.35', or '1.31+' when only the oldest minor is published. */
const MINOR_RANGE = /^(\d+\.\d+)(?:-(\d+\.\d+)|\+)$/;

const SupportTable = z
  .record(
    z.string().regex(ADDON_VERSION, 'give an addon version as X.Y, or X.Y.Z for "from this patch on"'),
    z
      .string()
      .regex(MINOR_RANGE, 'give minors as "1.31-1.35", or "1.31+" when there is no newest one')
      .refine((range) => !isBackwards(range), 'the first minor is above the last'),
  )
  .describe('Kubernetes minors by version of the addon');

function isBackwards(range: string): boolean {
  const match = MINOR_RANGE.exec(range);
  return match?.[1] !== undefined && match[2] !== undefined && minorNumber(match[1]) > minorNumber(match[2]);
}

const AddonFields = z.strictObject({
  name: z.string().min(1),
  images: z
    .array(z.string().min(1))
    .min(1)
    .describe('end of the image path without registry and tag; * stands for anything but a slash'),
  kinds: z.array(z.enum(['Deployment', 'DaemonSet', 'StatefulSet'])).min(1),
  workloads: z
    .array(z.string())
    .default([])
    .describe('[namespace/]name that is this addon whatever its image is called'),
  supports: SupportTable.default({}),
  basis: z
    .enum(['declared', 'tested', 'floor', 'none'])
    .default('declared')
    .describe(
      'what a newest minor means: its maker says so, its maker tests up to it, only an oldest one is published, nothing is',
    ),
  retired: z.boolean().default(false).describe('there will be no new release'),
  follows: z.boolean().default(false).describe('goes to the minor of the cluster, after it'),
  managedByKubeadm: z.boolean().default(false),
  pinned: z.boolean().default(false),
  reason: z.string().default('').describe('of the pin'),
  source: z.string().default(''),
});

const Matrix = z.strictObject({
  collected: z.string().default(''),
  addons: z.array(AddonFields),
});

/** An operator's file: addons that are built in need only the fields that change; their tables are merged row by row. */
const OperatorMatrix = z.strictObject({
  collected: z.string().optional(),
  addons: z.array(AddonFields.partial().required({ name: true })),
});

export type Addon = z.infer<typeof AddonFields>;

export interface AddonMatrix {
  readonly addons: readonly Addon[];
}

/**
 * The built-in matrix with the operator's file over it. `what` names that file in errors.
 * @throws NightliftError (config) for anything in it that is not understood: a typo must not switch a ceiling off.
 */
export function addonMatrix(operatorMatrix: unknown, what: string): AddonMatrix {
  const base = Matrix.parse(builtIn).addons;
  if (operatorMatrix === undefined) return { addons: base };
  const parsed = OperatorMatrix.safeParse(operatorMatrix);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  - ${describeIssue(issue)}`);
    throw wrong(what, `\n${problems.join('\n')}`);
  }
  const merged = new Map(base.map((addon) => [addon.name, addon]));
  for (const [index, own] of parsed.data.addons.entries()) {
    merged.set(own.name, mergeAddon(merged.get(own.name), fieldsSaid(own, operatorMatrix, index), base, what));
  }
  return { addons: [...merged.values()] };
}

type OwnAddon = z.infer<typeof OperatorMatrix>['addons'][number];

/** `partial()` keeps the defaults of the fields; only what the file really says may override. */
function fieldsSaid(own: OwnAddon, raw: unknown, index: number): Partial<Addon> & { name: string } {
  const row = (raw as { addons: object[] }).addons[index] ?? {};
  const said = Object.entries(own).filter(([key]) => Object.hasOwn(row, key));
  return { ...(Object.fromEntries(said) as Partial<Addon>), name: own.name };
}

function mergeAddon(
  before: Addon | undefined,
  own: Partial<Addon> & { name: string },
  base: readonly Addon[],
  what: string,
): Addon {
  if (before !== undefined) return { ...before, ...own, supports: { ...before.supports, ...own.supports } };
  if (own.images === undefined || own.kinds === undefined) {
    const close = nearest(
      own.name,
      base.map((addon) => addon.name),
    );
    const hint = close === undefined ? '.' : `; did you mean "${close}"?`;
    throw wrong(what, `"${own.name}" is not built in${hint} A new addon needs images and kinds`);
  }
  return AddonFields.parse(own);
}

function wrong(what: string, problem: string): NightliftError {
  return new NightliftError('config', `reading the addon matrix in ${what}: ${problem}`, {
    remedy: 'Mend the file; docs/gates.md says how it is written.',
  });
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const at = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return `${at === '' ? 'the file' : at}: ${issue.message}`;
  const knownKeys = issue.path.length === 0 ? ['collected', 'addons'] : Object.keys(AddonFields.shape);
  const hints = issue.keys.map((key) => {
    const close = nearest(key, knownKeys);
    return `${at === '' ? key : `${at}.${key}`}: no such key${close === undefined ? '' : `; did you mean "${close}"?`}`;
  });
  return hints.join('\n  - ');
}

export interface SupportRow {
  /** Version of the addon, 'X.Y' or 'X.Y.Z'. */
  readonly version: string;
  readonly min: string;
  /** null when no newest minor is published. */
  readonly max: string | null;
}

/** The rows of an addon, oldest version first. */
export function supportRows(addon: Addon): readonly SupportRow[] {
  return Object.entries(addon.supports)
    .flatMap(([version, range]): SupportRow[] => {
      const match = MINOR_RANGE.exec(range);
      return match?.[1] === undefined ? [] : [{ version, min: match[1], max: match[2] ?? null }];
    })
    .toSorted((a, b) => compareAddonVersions(a.version, b.version));
}

/** The row that a running version counts as: the highest that is not above it. undefined below the first. */
export function rowFor(rows: readonly SupportRow[], version: string): SupportRow | undefined {
  return rows.findLast((row) => compareAddonVersions(row.version, version) <= 0);
}

/** Whether the table speaks of this version itself: by a row with the same first two numbers. */
export function isListed(row: SupportRow, version: string): boolean {
  return numbersOf(row.version).slice(0, 2).join('.') === numbersOf(version).slice(0, 2).join('.');
}

export function allows(row: SupportRow, minor: string): boolean {
  return row.max === null || minorNumber(row.max) >= minorNumber(minor);
}

/** Addons count as they like ('25.10', '0.9'), so number by number; a missing patch counts as 0, and what comes before a release is below it. */
export function compareAddonVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (const index of [0, 1, 2]) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(b.includes('-')) - Number(a.includes('-'));
}

function numbersOf(version: string): readonly number[] {
  return (version.split('-')[0] ?? '').split('.').map(Number);
}
