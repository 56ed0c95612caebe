import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { type Environment } from '../environment.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import type { Settings } from '../settings/settings.ts';

export function readMatrix(environment: Environment, settings: Settings): unknown {
  const { matrixFile } = settings.addons;
  if (matrixFile === '') return undefined;
  const file = environment.path(matrixFile);
  try {
    return parseYaml(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new NightliftError('config', `reading the addon matrix ${file}: ${reasonOf(error)}`, {
      remedy: 'Mend the file named in addons.matrixFile, or leave it empty.',
    });
  }
}
