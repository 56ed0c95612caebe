import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { type Environment } from '../environment.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import type { Settings } from '../settings/settings.ts';

/**
 * The operator's matrix; undefined when the settings name none. `configFiles`: where the settings are those of the cluster,
 * the other keys of their ConfigMap, which pods see in /config. @throws NightliftError (config) for a file that is lost.
 */
export function readMatrix(
  environment: Environment,
  { addons: { matrixFile } }: Pick<Settings, 'addons'>,
  configFiles?: Readonly<Record<string, string>>,
): unknown {
  if (matrixFile === '') return undefined;
  const key = configFiles === undefined ? undefined : /^\/config\/([^/]+)$/.exec(matrixFile)?.[1];
  const what = key === undefined ? environment.path(matrixFile) : `key ${key} of ConfigMap k8s-upgrade-config`;
  let content: unknown;
  try {
    content = parseYaml(key === undefined ? readFileSync(what, 'utf8') : textOf(configFiles, key));
  } catch (error) {
    throw lost(what, reasonOf(error));
  }
  // Its pins and ceilings would be gone without a word.
  if (content === null || content === undefined) throw lost(what, 'it says nothing');
  return content;
}

function textOf(files: Readonly<Record<string, string>> | undefined, key: string): string {
  const text = files?.[key];
  if (text === undefined) throw new Error('there is no such key');
  return text;
}

function lost(what: string, why: string): NightliftError {
  return new NightliftError('config', `reading the addon matrix ${what}: ${why}`, {
    remedy: 'Mend what addons.matrixFile names, or leave that setting empty.',
  });
}
