import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NightliftError, reasonOf } from './errors.ts';
import { parseSettings } from './settings/parse-settings.ts';
import type { Settings } from './settings/settings.ts';

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
