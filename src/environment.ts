import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { NightliftError, reasonOf } from './errors.ts';
import { nearest } from './nearest.ts';
import { Settings } from './settings/settings.ts';

/**
 * The only reader of the environment and of the settings file. Everything that a Job gets from its manifest, and the
 * developer switches, stand here:
 * - NIGHTLIFT_CONFIG: the settings file; default /config/config.yaml where it exists.
 * - NIGHTLIFT_ROOT: put before every absolute path that the program reads; the embedded cluster's pods have it.
 * - NIGHTLIFT_TEMPLATES: folder of the built-in templates.
 * - PHASE, TARGET_VERSION, NODE_NAME: the step of a chain Job, nothing more.
 */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where an in-container path stands for this process. */
  path(absolute: string): string;
  readonly templatesDir: string;
}

export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const root = nonEmpty(env['NIGHTLIFT_ROOT']) ?? '';
  return {
    env,
    path: (absolute) => `${root}${absolute}`,
    templatesDir: nonEmpty(env['NIGHTLIFT_TEMPLATES']) ?? join(import.meta.dirname, '..', 'templates'),
  };
}

export function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

/** Reads the settings. `file` is what the caller was given on the command line. @throws NightliftError (config) that names file, key and the nearest known key. */
export function readSettings(environment: Environment, file?: string): Settings {
  const asked = nonEmpty(file) ?? nonEmpty(environment.env['NIGHTLIFT_CONFIG']);
  const path = asked ?? environment.path('/config/config.yaml');
  if (asked === undefined && !existsSync(path)) return parseSettings('', 'the defaults');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new NightliftError('config', `reading the settings file ${path}: ${reasonOf(error)}`, {
      remedy: 'Give an existing file with --config or NIGHTLIFT_CONFIG, or leave both away for the defaults.',
    });
  }
  return parseSettings(text, path);
}

export function parseSettings(text: string, what: string): Settings {
  const document = parseDocument(text, { prettyErrors: true });
  const problem = document.errors[0];
  if (problem !== undefined) {
    throw new NightliftError('config', `reading the settings in ${what}: this is not YAML: ${problem.message.trim()}`, {
      remedy: 'Mend the file; docs/configuration.md has an example of every key.',
    });
  }
  const result = Settings.safeParse(document.toJS() ?? {});
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
    window: { start: '23:00', end: '05:00' },
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
