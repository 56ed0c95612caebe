import { existsSync } from 'node:fs';
import path from 'node:path';

const project = path.resolve(import.meta.dirname, '../..');

/** Everything a lab writes is below this directory, so that removing a lab needs no other list. */
export function labRoot(): string {
  return path.resolve(process.env['NIGHTLIFT_LAB_DIR'] ?? path.join(project, '.lab'));
}

export function cacheDir(): string {
  return path.join(labRoot(), 'cache');
}

export function clusterDir(name: string): string {
  return path.join(labRoot(), 'clusters', name);
}

export function programsDir(): string {
  const given = process.env['NIGHTLIFT_KUBE_DIR'];
  if (given !== undefined && given !== '') return path.resolve(given);
  return path.resolve(project, '../shared/kube');
}

export function scriptPath(file: string): string {
  const full = path.join(import.meta.dirname, file);
  if (!existsSync(full)) throw new Error(`looking for ${full}: it is not there; is this a whole checkout?`);
  return full;
}
