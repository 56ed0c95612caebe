/** `npm run test:lab`: nights of the product on real kubeadm clusters. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { down } from '../lab/down.ts';
import { CannotRunHere, checkPrograms, checkRoot, installPackages } from '../lab/machine.ts';
import { fillCache } from '../lab/up.ts';
import { buildDockerfile } from './dockerfile-image.ts';
import { laneCount } from './lane-count.ts';
import { runLane } from './lane-process.ts';
import { clusterKinds, clusterName, type Lane, planStages } from './lanes.ts';
import { claimTheLab } from './only-run.ts';
import { sayPrepared } from './prepared.ts';
import { ResultLine, type RunSettings } from './run-settings.ts';
import { scenarios } from './scenarios.ts';
import { lastResults, secondTries, toldOfFirstTries } from './second-try.ts';
import { selected } from './selected.ts';
import { makeStockImage } from './stock-image.ts';
import { summaryTable } from './summary.ts';
import { inNewDirectory } from './temporary-directory.ts';
import { writeProof } from './write-proof.ts';

const help = `The product in pods of real kubeadm clusters: from a new release to the Slack message.

Usage: npm run test:lab [-- [--ci] [--only NAME[,NAME…]] [--lanes 1] [--prepare] [--keep] [--write-proof]]

  --only NAME   only these:
${scenarios.map(({ name, title }) => `                  ${name.padEnd(16)} ${title}`).join('\n')}
  --ci          the ones that every change is judged by; one or two that fail are played once more, alone, and told
  --lanes 1     one after the other; otherwise two at a time, each on a cluster of its own, and what is a measure alone
  --prepare     only make what the nights need (packages of Debian, root file system, images), and play none
  --keep        leave the last clusters standing (npm run lab -- status)
  --write-proof docs/proof.md and docs/recorded-night.md from the last result of each scenario: after the nights of --only or
                --ci, or by itself from what is in .lab/results. What has no newer result here keeps what is said of it. A
                run of every scenario does it too

Exit code 0 when every night passed, 1 when one failed, 78 when this machine cannot run them. A run that is stopped by
SIGINT or SIGTERM takes its clusters down first.`;

interface Progress {
  readonly keep: boolean;
  readonly run: Omit<RunSettings, 'lane' | 'lanes'>;
  readonly abort: AbortSignal;
}

/** Each lane's clusters are taken down as soon as it has ended, however it ended. */
async function playStage(lanes: readonly Lane[], { keep, run, abort }: Progress): Promise<boolean> {
  const codes = await Promise.all(
    lanes.map(async (lane) => {
      const scenarios = lane.scenarios.map(({ name }) => name);
      const code = await runLane({ ...run, lanes: lanes.length, lane: { ...lane, scenarios } }, abort);
      if (!keep || abort.aborted) for (const kind of clusterKinds) await down(clusterName(lane, kind));
      return code;
    }),
  );
  return codes.every((code) => code === 0);
}

async function playStages(stages: readonly (readonly Lane[])[], { keep, run, abort }: Progress): Promise<boolean> {
  let sound = true;
  for (const [index, lanes] of stages.entries()) {
    if (abort.aborted) break;
    const last = index === stages.length - 1;
    sound = (await playStage(lanes, { keep: keep && last, run, abort })) && sound;
  }
  return sound && !abort.aborted;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ci: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      prepare: { type: 'boolean', default: false },
      'write-proof': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      lanes: { type: 'string', default: '2' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (values['write-proof'] && values.only === undefined && !values.ci) return (await prove()) ? 0 : 1;
  const only = (values.only ?? []).flatMap((names) => names.split(','));
  const chosen = selected(scenarios, { only, ci: values.ci });
  if (values.lanes !== '1' && values.lanes !== '2') throw new Error(`reading --lanes ${values.lanes}: expected 1 or 2`);
  try {
    checkPrograms();
    checkRoot();
    await installPackages((line) => console.error(line));
    const claim = claimTheLab();
    process.on('exit', () => claim.release());
  } catch (error) {
    if (!(error instanceof CannotRunHere)) throw error;
    console.log(`${error.message}\n0 passed, 0 failed, ${chosen.length} not run`);
    return 78;
  }
  const { lanes, because } = laneCount(Number(values.lanes));
  if (because !== undefined) console.error(`one scenario after the other: ${because}`);
  const began = Date.now();
  await fillCache((line) => console.error(line));
  const stock = await makeStockImage();
  const images = { stock, product: await buildDockerfile(stock) };
  console.error(`${images.product.reference} is built of the Dockerfile`);
  await sayPrepared();
  if (values.prepare) return 0;
  return inNewDirectory('results', async (directory) => {
    const results = path.join(directory, 'results.jsonl');
    await writeFile(results, '');
    const run = { results, began, images };
    const abort = abortOnSignal();
    let sound = await playStages(planStages(chosen, lanes), { keep: values.keep, run, abort });
    const again = values.ci && !abort.aborted ? secondTries(chosen, await readLines(results)) : [];
    if (again.length > 0) {
      console.error(`once more, with the machine to themselves: ${again.map(({ name }) => name).join(', ')}`);
      for (const kind of clusterKinds) await down(clusterName({ name: '1' }, kind));
      sound = await playStages(planStages(again, 1), { keep: values.keep, run, abort });
    }
    const lines = await readLines(results);
    const played = lastResults(scenarios, lines);
    const passed = played.filter((result) => result.passed).length;
    // Of a lane that died no result is there: that is a failure, unless it was stopped.
    const failed = (abort.aborted ? played.length : chosen.length) - passed;
    const stopped = abort.aborted ? `, ${chosen.length - played.length} not run` : '';
    console.log(`\nSeconds:\n${summaryTable(played)}\n${wallTime(played, began)}`);
    for (const line of toldOfFirstTries(lines)) console.log(line);
    console.log(`${passed} passed, ${failed} failed${stopped}`);
    if (abort.aborted) return 1;
    const everything = chosen.length === scenarios.length;
    if (!everything && !values['write-proof']) return failed === 0 && sound ? 0 : 1;
    const granted = await prove();
    return failed === 0 && sound && (!everything || granted) ? 0 : 1;
  });
}

/** Writes the proof, and says whether what is granted is what is used. */
async function prove(): Promise<boolean> {
  const { files, defects } = await writeProof();
  console.log([`written: ${files.join(', ')}`, ...defects.map((defect) => `permission: ${defect}`)].join('\n'));
  return defects.length === 0;
}

/** From here on a signal ends the lanes, and the clusters are taken down before the process ends. */
function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) return;
      console.error(`${signal}: the lanes are ended and their clusters taken down`);
      controller.abort();
    });
  return controller.signal;
}

async function readLines(results: string): Promise<readonly ResultLine[]> {
  const lines = (await readFile(results, 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => ResultLine.parse(JSON.parse(line)));
}

function wallTime(results: readonly ResultLine[], began: number): string {
  const sum = results.reduce((total, { seconds }) => total + seconds, 0);
  return `the whole run took ${((Date.now() - began) / 1000).toFixed(0)} s, its scenarios ${sum.toFixed(0)} s without making clusters`;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 64;
}
