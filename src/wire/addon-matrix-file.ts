import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { type Environment } from '../environment.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import { CONFIG_MAP, matrixName } from '../settings/parse-settings.ts';
import type { Settings } from '../settings/settings.ts';

/** Where the settings stand: in a ConfigMap, whose keys these are, or in a folder. */
export type Beside = { readonly files: Readonly<Record<string, string>> } | { readonly folder: string };

interface Source {
  readonly what: string;
  /** undefined when it is not there. */
  read(): string | undefined;
}

/**
 * The operator's matrix, which stands beside the settings; undefined when none is named and none is there.
 * @throws NightliftError (config) for one that is lost: its pins and ceilings would be gone without a word.
 */
export function readMatrix(environment: Environment, settings: Pick<Settings, 'addons'>, beside: Beside): unknown {
  const { what, read } = sourceOf(environment, matrixName(settings), beside);
  let content: unknown;
  try {
    const text = read();
    if (text === undefined && settings.addons.matrixFile === '') return undefined;
    if (text === undefined) throw new Error('files' in beside ? 'there is no such key' : 'there is no such file');
    content = parseYaml(text);
  } catch (error) {
    throw lost(what, reasonOf(error));
  }
  if (content === null || content === undefined) throw lost(what, 'it says nothing');
  return content;
}

/** A pod sees the keys as files in /config: named like that, it is the same key everywhere. */
function sourceOf(environment: Environment, name: string, beside: Beside): Source {
  const key = /^(?:\/config\/)?([^/]+)$/.exec(name)?.[1];
  if ('files' in beside && key !== undefined)
    return { what: `key ${key} of ConfigMap ${CONFIG_MAP}`, read: () => beside.files[key] };
  const folder = 'folder' in beside ? beside.folder : '';
  const file = name.startsWith('/') && key === undefined ? environment.path(name) : join(folder, key ?? name);
  return { what: file, read: () => (existsSync(file) ? readFileSync(file, 'utf8') : undefined) };
}

function lost(what: string, why: string): NightliftError {
  return new NightliftError('config', `reading the addon matrix ${what}: ${why}`, {
    remedy: 'Mend it, or take it away with the setting addons.matrixFile; docs/gates.md says where it stands.',
  });
}
