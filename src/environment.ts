import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { NightliftError, reasonOf } from './errors.ts';
import { ALL_DEFAULTS, CONFIG_KEY, CONFIG_MAP, parseSettings, parseSettingsFile } from './settings/parse-settings.ts';
import type { Settings } from './settings/settings.ts';

/**
 * The only reader of the environment and of the settings file. Everything that a Job gets from its manifest, and the
 * developer switches, stand here:
 * - NIGHTLIFT_CONFIG: the settings file; default /config/config.yaml, which a pod has to have.
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

/** Whether this process is a container of a pod, as its kubelet says to every one. */
export function isInPod({ env }: Environment): boolean {
  return nonEmpty(env['KUBERNETES_SERVICE_HOST']) !== undefined;
}

/** Whether this is one of the cluster's own pods at work; one that was given a kubeconfig looks from outside, at whatever cluster. */
export function isAtWorkInPod(environment: Environment, kubeconfig: string | undefined): boolean {
  return isInPod(environment) && kubeconfig === undefined;
}

/** A settings file that was read and not yet understood. */
export interface SettingsText {
  readonly text: string;
  /** Where it stands, for messages. */
  readonly what: string;
}

interface Asked {
  readonly path: string;
  /** Somebody has named it; else it is where a pod has it. */
  readonly byName: boolean;
}

function askedFile(environment: Environment, file?: string): Asked {
  const name = nonEmpty(file) ?? nonEmpty(environment.env['NIGHTLIFT_CONFIG']);
  return { path: name ?? environment.path(`/config/${CONFIG_KEY}`), byName: name !== undefined };
}

/** Where the settings file stands, and with it what stands beside it. */
export function settingsFolder(environment: Environment, file?: string): string {
  return dirname(askedFile(environment, file).path);
}

/** The text of the settings file. `file` is what the caller was given on the command line. @throws NightliftError (config) when it cannot be read. */
export function settingsText(environment: Environment, file?: string): SettingsText {
  const { path, byName } = askedFile(environment, file);
  try {
    return { text: readFileSync(path, 'utf8'), what: path };
  } catch (error) {
    const why = existsSync(path) ? reasonOf(error) : `it is not there${besides(path)}`;
    throw new NightliftError('config', `reading the settings file ${path}: ${why}`, {
      remedy: byName
        ? 'Give an existing file with --config or NIGHTLIFT_CONFIG.'
        : `In a pod it is key ${CONFIG_KEY} of ConfigMap ${CONFIG_MAP}: put it back (kubectl apply -k deploy, or terraform apply). ${ALL_DEFAULTS}`,
    });
  }
}

/**
 * Reads the settings; the defaults outside of a pod where no file is named and none is there.
 * @throws NightliftError (config) that names file, key and the nearest known key; also for a file that says nothing.
 */
export function readSettings(environment: Environment, file?: string): Settings {
  const { path, byName } = askedFile(environment, file);
  if (!byName && !isInPod(environment) && !existsSync(path)) return parseSettings('', 'the defaults');
  const { text, what } = settingsText(environment, file);
  return parseSettingsFile(text, what);
}

/** A file under another name is the likeliest reason; `..data` and its like are the kubelet's. */
function besides(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) return `, and there is no folder ${folder}`;
  const names = readdirSync(folder).filter((name) => !name.startsWith('..') && name !== basename(path));
  return names.length === 0 ? '; the folder is empty' : `; the folder has: ${names.toSorted().join(', ')}`;
}
