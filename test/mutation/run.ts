import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, runCommand } from '../run-command.ts';
import { type RoomScore, readScore, SCORE_FILE, type Score, scoreChapter, scoreOf } from './score.ts';

/** What is changed, by room; each is held against the tests of its own room, which keeps a change under a second. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  cluster: ['src/cluster/label-selector.ts', 'src/cluster/node-admits.ts', 'src/cluster/pod-in-drain.ts'],
  facts: ['src/facts/nodes.ts', 'src/facts/running-versions.ts'],
  settings: ['src/settings/drain-policy.ts'],
  gate: ['src/gate/**/*.ts'],
  detect: ['src/detect/**/*.ts'],
  phases: ['src/phases/**/*.ts'],
  report: ['src/report/**/*.ts'],
  chain: ['src/chain/**/*.ts'],
  steps: ['src/steps/**/*.ts'],
};

const HELP = `Makes small changes to what decides, one at a time, and says which of them no unit test notices (StrykerJS).

Usage: npm run test:mutation [-- [ROOM…] [--file FILE…] [--record]]

  ROOM      only these: ${Object.keys(ROOMS).join(', ')}
  --file    only these files of one room, for example src/gate/budgets.ts
  --record  write the score down in ${SCORE_FILE} and docs/proof.md
  --help    this text

Takes half an hour for all rooms on two cores. Exit code 0 when 90 % or more were noticed in each room.`;

const ENOUGH = 0.9;
const REPORT = join(ROOT, 'dist/mutation.json');

async function mutate(room: string, files: readonly string[]): Promise<RoomScore> {
  rmSync(REPORT, { force: true });
  const patterns = [...files, '!src/**/*.test.ts', '!src/**/example-*.ts'].join(',');
  const { code } = await runCommand('stryker', ['run', 'test/mutation/stryker.config.mjs', '--mutate', patterns], {
    live: true,
    env: { NIGHTLIFT_MUTATION_ROOM: room },
  });
  if (code !== 0) throw new Error(`the run of ${room} ended with exit code ${code}: see above`);
  return scoreOf(room, JSON.parse(readFileSync(REPORT, 'utf8')));
}

function record(rooms: readonly RoomScore[]): void {
  const others = readScore().rooms.filter(({ room }) => !rooms.some((one) => one.room === room));
  const all = [...others, ...rooms].toSorted((a, b) => a.room.localeCompare(b.room, 'en'));
  const score: Score = { date: new Date().toISOString().slice(0, 10), rooms: all };
  writeFileSync(join(ROOT, SCORE_FILE), `${JSON.stringify(score, null, 2)}\n`);
  const file = join(ROOT, 'docs/proof.md');
  const page = readFileSync(file, 'utf8').replace(/\n*$/, '\n');
  const start = page.indexOf('## Tests that would notice');
  writeFileSync(file, `${start < 0 ? `${page}\n` : page.slice(0, start)}${scoreChapter(score)}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      file: { type: 'string', multiple: true },
      record: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const files = values.file ?? [];
  const asked = files.length > 0 ? [...new Set(files.map((file) => file.split('/')[1] ?? ''))] : positionals;
  const wrong = asked.find((room) => ROOMS[room] === undefined);
  if (wrong !== undefined) throw new Error(`"${wrong}" is no room of this: ${Object.keys(ROOMS).join(', ')}`);
  if (files.length > 0 && values.record === true)
    throw new Error('a part of a room is not recorded: leave --file away');
  const scores: RoomScore[] = [];
  for (const room of asked.length > 0 ? asked : Object.keys(ROOMS)) {
    const own = files.filter((file) => file.split('/')[1] === room);
    const score = await mutate(room, own.length > 0 ? own : (ROOMS[room] ?? []));
    scores.push(score);
    if (values.record === true) record([score]);
  }
  for (const { room, changes, noticed } of scores)
    console.log(`${room.padEnd(10)} ${noticed} of ${changes} noticed, ${((noticed / changes) * 100).toFixed(1)} %`);
  return scores.every(({ changes, noticed }) => noticed / changes >= ENOUGH) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 64;
}
