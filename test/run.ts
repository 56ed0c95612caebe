import { parseArgs } from 'node:util';
import { CHECKS } from './run-checks.ts';
import { type LabNight, startLabNight, whyNoLabNight } from './run-lab-night.ts';
import { describeLevel, LEVELS, levelOf } from './run-levels.ts';
import { type FailedTest, type FileResult, runVitest } from './run-vitest.ts';

const NAMES = [...CHECKS, ...LEVELS].map(({ name }) => name);
const HELP = `Runs every check and every test level that can run here; the last line counts them.

Usage: npm test [-- [--all] [--only NAME[,NAME…]] [FILTER…]]

  --all         the long level too, as CI does (${LEVELS.flatMap(({ name, isLong }) => (isLong === true ? [name] : [])).join(', ')})
  --only NAME   only these: ${NAMES.join(', ')}
  FILTER        only the test files whose path contains it, whatever their level
  --help        this text

Exit code 0 when nothing failed. What cannot run here is named with the reason and counts as skipped.`;

const BUDGET_MS = 10 * 60_000;
/** The nodes of a cluster beside them want a share. */
const FEWER_WORKERS = ['--maxWorkers=3'];
/** vitest has told each failure whole, far above; this much is told once more, with its name. */
const LINES_OF_A_FAILURE = 40;

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean' },
      only: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const only = (values.only ?? []).flatMap((names) => names.split(','));
  const wrong = only.find((name) => !NAMES.includes(name));
  if (wrong !== undefined) throw new Error(`there is no "${wrong}"; known: ${NAMES.join(', ')}`);
  return { help: values.help === true, all: values.all === true, only, filters: positionals };
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}

function linesOf(text: string, count: number): string {
  const lines = text.trimEnd().split('\n');
  return lines.length > count ? [...lines.slice(0, count), '…'].join('\n') : lines.join('\n');
}

async function runChecks(only: readonly string[]) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const check of CHECKS.filter((item) => only.length === 0 || only.includes(item.name))) {
    const started = performance.now();
    const { status, detail } = await check.run();
    count[status === 'not run' ? 'skipped' : status] += 1;
    const mark = { passed: '✓', failed: '✗', 'not run': '-' }[status];
    console.log(
      `${mark} ${check.title}${status === 'not run' ? ' not run' : ''}${detail === '' || status === 'failed' ? '' : `: ${detail}`} (${seconds(started)})`,
    );
    if (status === 'failed') console.log(indented(detail));
  }
  return count;
}

/** Begins the night beside the tests, where it is wanted and can be had. */
function beginLabNight(isWanted: boolean): LabNight | string {
  if (!isWanted) return 'not asked for';
  const why = whyNoLabNight();
  if (why !== undefined) return why;
  const night = startLabNight();
  console.log(`A night on a real kubeadm cluster runs beside the tests; its log is ${night.log}`);
  return night;
}

function tellFailures({ file, failed, flaky }: FileResult): void {
  const tell = (mark: string, { name, why }: FailedTest): void =>
    console.log(`${mark} ${file}: ${name}\n${indented(linesOf(why, LINES_OF_A_FAILURE))}`);
  for (const test of flaky) tell('↻ passed at its second try:', test);
  for (const test of failed) tell('✗', test);
}

async function runTests(only: readonly string[], filters: readonly string[], all: boolean) {
  const levels = LEVELS.filter((level) =>
    only.length === 0 ? all || level.isLong !== true : only.includes(level.name),
  );
  const count = { passed: 0, failed: 0, skipped: 0 };
  if (levels.length === 0) return count;
  const projects = levels.filter(({ isProject }) => isProject).map(({ name }) => `--project=${name}`);
  console.log();
  const started = performance.now();
  const begun = beginLabNight(filters.length === 0 && levels.some(({ name }) => name === 'lab'));
  const isOnlyNight = filters.length === 0 && projects.length === 0;
  const { files: tested, broken } = isOnlyNight
    ? { files: [], broken: [] }
    : await runVitest(filters.length > 0 ? filters : projects, typeof begun === 'string' ? [] : FEWER_WORKERS);
  const night = typeof begun === 'string' ? begun : await begun.ended;
  const files = typeof night === 'string' ? tested : [...tested, night];
  console.log();
  for (const what of broken) console.log(`✗ ${what}`);
  for (const result of files) tellFailures(result);
  console.log(`Test levels (${seconds(started)}):`);
  const byLevel = Map.groupBy(files, (file: FileResult) => levelOf(file.file));
  for (const level of LEVELS.toReversed())
    console.log(
      `  ${describeLevel(level, byLevel.get(level) ?? [], filters.length > 0 ? byLevel.has(level) : levels.includes(level), level.name === 'lab' && typeof night === 'string' ? night : undefined)}`,
    );
  for (const file of files) {
    count.passed += file.passed;
    count.failed += file.failed.length;
    count.skipped += file.skipped;
  }
  count.failed += broken.length;
  return count;
}

async function main(): Promise<number> {
  const started = performance.now();
  const { help, all, only, filters } = readArguments();
  if (help) {
    console.log(HELP);
    return 0;
  }
  console.log(`Node ${process.version}`);
  const checks = filters.length > 0 && only.length === 0 ? { passed: 0, failed: 0, skipped: 0 } : await runChecks(only);
  const tests = await runTests(only, filters, all);
  const failed = checks.failed + tests.failed;
  const skipped = checks.skipped + tests.skipped;
  console.log(
    `Took ${seconds(started)}${!all && performance.now() - started > BUDGET_MS ? ', more than the ten minutes that it may take on two cores' : ''}`,
  );
  console.log(`${checks.passed + tests.passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 64;
}
