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

/** The program that `npm test` has built for all test files, with one compile cache; without that, one of its own. */
export function buildProgram(): Program {
  const built = process.env['NIGHTLIFT_TEST_PROGRAM'];
  return built === undefined ? buildOwnProgram() : { file: built, remove: () => undefined };
}

/** Whose processes are nobody else's. It takes less than a second. */
export function buildOwnProgram(): Program {
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-program-'));
  execFileSync(process.execPath, ['build.mjs', '--quiet', '--outdir', directory], { cwd: ROOT });
  return { file: join(directory, 'nightlift.cjs'), remove: () => rmSync(directory, { recursive: true, force: true }) };
}
