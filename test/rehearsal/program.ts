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

/** Builds the program as it is now, in a folder of its own: it takes less than a second. */
export function buildProgram(): Program {
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-program-'));
  execFileSync(process.execPath, ['build.mjs', '--quiet', '--outdir', directory], { cwd: ROOT });
  return { file: join(directory, 'nightlift.cjs'), remove: () => rmSync(directory, { recursive: true, force: true }) };
}
