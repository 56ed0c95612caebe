import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { NightliftError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { QUIET, readYaml } from '../read-yaml.ts';
import { Settings } from './settings.ts';

export const CONFIG_MAP = 'k8s-upgrade-config';
export const CONFIG_KEY = 'config.yaml';

/** The operator's addon matrix: another key of that ConfigMap, a file beside the settings file. */
export function matrixName({ addons }: Pick<Settings, 'addons'>): string {
  return addons.matrixFile === '' ? 'addons.yaml' : addons.matrixFile;
}

/** How somebody says it on purpose, as the end of a remedy. */
export const ALL_DEFAULTS = 'A file that wants all defaults: {}';

/**
 * Settings that somebody has written down. A text that says nothing (empty, comments, null) was lost on its way: its dry
 * run, window and ceiling must not become the defaults. @throws NightliftError (config), as `parseSettings`.
 */
export function parseSettingsFile(text: string, what: string): Settings {
  const { content, problem } = readYaml(text);
  if (problem === undefined && (content ?? null) === null) {
    throw new NightliftError('config', `reading the settings in ${what}: it says nothing`, {
      remedy: `Put the settings back; docs/configuration.md lists them. ${ALL_DEFAULTS}`,
    });
  }
  return parseSettings(text, what);
}

/** What `pause`, `resume` and `status` need, of settings that are not valid: where things are. */
const WHERE = ['namespace', 'annotationPrefix', 'pushgatewayUrl'] as const;

/** The defaults, with those of `WHERE` that can be read in a text that is wrong elsewhere. */
export function salvageSettings(text: string): Settings {
  // Key by key: what is wrong with the others is not looked at.
  const document = parseDocument(text, QUIET);
  return WHERE.reduce((settings, key) => {
    const value = Settings.shape[key].safeParse(document.get(key));
    return value.success ? { ...settings, [key]: value.data } : settings;
  }, Settings.parse({}));
}

/** The text of settings; an empty one is all defaults. @throws NightliftError (config) that names `what`, key and the nearest known key. */
export function parseSettings(text: string, what: string): Settings {
  const { content, problem } = readYaml(text);
  if (problem !== undefined) {
    throw new NightliftError('config', `reading the settings in ${what}: this is not YAML: ${problem}`, {
      remedy: 'Mend the file; docs/configuration.md has an example of every key.',
    });
  }
  const result = Settings.safeParse(content ?? {});
  if (result.success) return result.data;
  throw new NightliftError(
    'config',
    `reading the settings in ${what}:\n${result.error.issues.map((issue) => `  - ${describeIssue(issue)}`).join('\n')}`,
    {
      remedy: 'Mend these keys; docs/configuration.md lists all of them with unit and default.',
    },
  );
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const at = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return `${at === '' ? 'the file' : at}: ${issue.message}`;
  const siblings = keysAt(issue.path);
  return issue.keys
    .map((key) => {
      const close = nearest(key, siblings);
      const full = at === '' ? key : `${at}.${key}`;
      return `${full}: no such key${close === undefined ? '.' : `; did you mean "${close}"?`} Known here: ${siblings.join(', ')}`;
    })
    .join('\n  - ');
}

/** The keys that the schema knows at a path, by asking the defaults: every group has one. */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = Settings.parse({
    window: { start: '23:00', end: '05:00', blackouts: [{ from: '2026-12-24', to: '2026-12-26', reason: 'r' }] },
    acceptedRisks: [{ check: 'c', reason: 'R', subject: 's', target: '1.36.4', until: '2026-12-24', why: 'w' }],
    quiesce: [{ namespace: 'n', name: 'n' }],
    drain: { policies: [{ namespace: 'n', action: 'wait' }] },
  });
  for (const part of path)
    at =
      typeof at === 'object' && at !== null
        ? Object.values({ at: (at as Record<PropertyKey, unknown>)[typeof part === 'number' ? 0 : part] })[0]
        : undefined;
  return typeof at === 'object' && at !== null ? Object.keys(at) : [];
}
