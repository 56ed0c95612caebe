import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult } from './check-result.ts';
import { audit } from './run-audit.ts';
import { hasProgram, ROOT, runCommand } from './run-command.ts';
import { imagesByDigest } from './run-images.ts';

export interface Check {
  readonly name: string;
  readonly title: string;
  run(): Promise<CheckResult>;
}

/** What is not a vitest test, in the order in which it is told: the cheapest and most telling first. */
export const CHECKS: readonly Check[] = [
  program('types', 'types (tsc)', 'tsc', '-p', '.'),
  program('lint', 'lint with types (oxlint)', 'oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'bench'),
  program('walls', 'no import runs up, none runs in a circle (dependency-cruiser)', 'node', 'src/docs/check-walls.ts'),
  program('format', 'format (biome)', 'biome', 'check', '--linter-enabled=false', '.'),
  program('unused', 'unused files, exports and dependencies (knip)', 'knip'),
  { name: 'shell', title: 'shell scripts (shellcheck)', run: shellcheck },
  program('docs', 'generated documents are up to date', 'node', 'src/docs/generate-docs.ts', '--check'),
  program('build', 'bundle (esbuild) and its bill of materials', 'node', 'build.mjs'),
  { name: 'audit', title: 'known vulnerabilities (npm audit)', run: audit },
  { name: 'images', title: 'images by digest', run: imagesByDigest },
];

function program(name: string, title: string, command: string, ...args: string[]): Check {
  return {
    name,
    title,
    async run() {
      const { code, output } = await runCommand(command, args);
      return code === 0
        ? { status: 'passed', detail: '' }
        : { status: 'failed', detail: `${output.trimEnd()}\n(exit code ${code}: ${[command, ...args].join(' ')})` };
    },
  };
}

/** The scripts of this repository, and those that run as root on a node as they are rendered: the golden files. */
async function shellcheck(): Promise<CheckResult> {
  const rendered = globSync('test/golden/**/*.sh', { cwd: ROOT });
  const own = [
    'bin/nightlift',
    '.ci/run',
    ...globSync('{terraform,deploy,test}/**/*.sh', { cwd: ROOT, exclude: ['test/golden/**'] }),
    ...globSync('templates/node-program/{install,nightlift-node}.sh', { cwd: ROOT }),
  ].filter((file) => existsSync(join(ROOT, file)));
  if (!hasProgram('shellcheck'))
    return { status: 'not run', detail: 'shellcheck is not installed (Debian: apt-get install shellcheck)' };
  // The golden files are what `bash -s` gets, so they have no first line that names the shell.
  const runs = [
    await runCommand('shellcheck', own),
    ...(rendered.length === 0 ? [] : [await runCommand('shellcheck', ['--shell=bash', ...rendered])]),
  ];
  const output = runs.map((run) => run.output.trim()).join('\n');
  if (runs.some((run) => run.code !== 0)) return { status: 'failed', detail: output };
  return { status: 'passed', detail: `${own.length} scripts, ${rendered.length} rendered node scripts` };
}
