import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { ROOT, runCommand } from './run-command.ts';

const TestReport = z.object({
  fullName: z.string(),
  status: z.string(),
  failureMessages: z.array(z.string()).default([]),
});

const JsonReport = z.object({
  testResults: z.array(z.object({ name: z.string(), status: z.string(), assertionResults: z.array(TestReport) })),
});

export interface FailedTest {
  readonly name: string;
  /** What it said, of each try, without colours and without the stack inside vitest; may have many lines. */
  readonly why: string;
}

export interface FileResult {
  /** Relative to the root of the project. */
  readonly file: string;
  readonly passed: number;
  readonly failed: readonly FailedTest[];
  /** What passed at its second try only, with what it said at the first. */
  readonly flaky: readonly FailedTest[];
  readonly skipped: number;
}

export interface VitestResult {
  readonly files: readonly FileResult[];
  /** What failed without being a test: a file that cannot be loaded, an error outside of any test, vitest itself. */
  readonly broken: readonly string[];
}

/** Runs vitest with its usual output, and reads the counts from its JSON report, not from its closing lines. `more` are options of its. */
export async function runVitest(filters: readonly string[], more: readonly string[] = []): Promise<VitestResult> {
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-vitest-'));
  const report = join(directory, 'report.json');
  try {
    const build = await runCommand('node', ['build.mjs', '--quiet', '--outdir', directory]);
    if (build.code !== 0) return { files: [], broken: [`building the program for the tests: ${build.output}`] };
    const { code } = await runCommand(
      'vitest',
      [
        'run',
        '--passWithNoTests',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...more,
        ...filters,
      ],
      { live: true, env: { NIGHTLIFT_TEST_PROGRAM: join(directory, 'nightlift.cjs') } },
    );
    return judge(code, readFileSync(report, 'utf8'));
  } catch (error) {
    return { files: [], broken: [`vitest did not write its report: ${String(error)}`] };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function judge(code: number, report: string): VitestResult {
  const { testResults } = JsonReport.parse(JSON.parse(report));
  const broken: string[] = [];
  const files = testResults.map((result): FileResult => {
    const of = (...states: string[]) => result.assertionResults.filter((test) => states.includes(test.status));
    const file = relative(ROOT, result.name);
    const [failed, passed] = [of('failed'), of('passed')];
    if (result.status === 'failed' && failed.length === 0) broken.push(`${file} as a whole`);
    return {
      file,
      passed: passed.length,
      failed: failed.map(whyFailed),
      flaky: passed.filter(({ failureMessages }) => failureMessages.length > 0).map(whyFailed),
      skipped: of('pending', 'skipped', 'todo', 'disabled').length,
    };
  });
  if (code !== 0 && broken.length === 0 && files.every((file) => file.failed.length === 0))
    broken.push(`vitest ended with exit code ${code}: an error outside of any test`);
  return { files, broken };
}

function whyFailed({ fullName, failureMessages }: z.infer<typeof TestReport>): FailedTest {
  const lines = stripVTControlCharacters(failureMessages.join('\n')).split('\n');
  return { name: fullName, why: lines.filter((line) => !/^\s+at .*(\/node_modules\/|Promise)/.test(line)).join('\n') };
}
