import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildProgram, type Program } from './program.ts';

let program: Program;
let folder: string;
beforeAll(() => {
  program = buildProgram();
  folder = mkdtempSync(join(tmpdir(), 'old-node-'));
});
afterAll(() => {
  program.remove();
  rmSync(folder, { recursive: true, force: true });
});

it.each([
  ['20.20.2', 64],
  ['22.18.0', 64],
  ['22.19.0', 0],
  ['24.0.0', 0],
])('the program on Node %s ends with %i', (version, expected) => {
  const pretence = join(folder, `${version}.cjs`);
  writeFileSync(
    pretence,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
     Object.defineProperty(process, 'version', { value: 'v${version}' });`,
  );
  let said = '';
  let code = 0;
  try {
    execFileSync(process.execPath, ['--require', pretence, program.file, '--help'], { stdio: 'pipe' });
  } catch (error) {
    ({ status: code, stderr: said } = error as { status: number; stderr: string });
  }
  expect(code).toBe(expected);
  if (expected !== 0) expect(String(said)).toContain(`needs Node 22.19 or newer, and finds v${version}`);
});
