import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export const TEMPLATES = join(ROOT, 'templates');

export interface Program {
  /** The bundle. */
  readonly file: string;
  remove(): void;
}

/** The program that `npm test` has built for all test files, with one compile cache; else builds it in a folder of its own. */
export function buildProgram(): Program {
  const built = process.env['NIGHTLIFT_TEST_PROGRAM'];
  if (built !== undefined) return { file: built, remove: () => undefined };
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-program-'));
  execFileSync(process.execPath, ['build.mjs', '--quiet', '--outdir', directory], { cwd: ROOT });
  return { file: join(directory, 'nightlift.cjs'), remove: () => rmSync(directory, { recursive: true, force: true }) };
}
