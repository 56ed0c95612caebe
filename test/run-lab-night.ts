import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { labRoot } from './lab/lab-paths.ts';
import { CannotRunHere, checkPrograms, checkRoot } from './lab/machine.ts';
import { isPrepared } from './lab-night/prepared.ts';
import { ROOT } from './run-command.ts';
import type { FileResult } from './run-vitest.ts';

/** A patch with a SIGKILL in the Job of every kind: of all nights the one that says most in its time. */
const NIGHT = 'kill';
/** Three nodes, and what is made beside them. */
const WANTED_BYTES = 6 * 2 ** 30;
const CANNOT_RUN_HERE = 78;
const LINES_OF_ITS_END = 38;

/** Why no night on a real cluster can run beside the tests; undefined when one can. Nothing is installed or built for it. */
export function whyNoLabNight(): string | undefined {
  try {
    checkPrograms();
    checkRoot();
  } catch (error) {
    if (error instanceof CannotRunHere) return error.message.replaceAll('\n', '; ');
    throw error;
  }
  if (!isPrepared()) return 'it is not prepared (npm run test:lab -- --prepare, some minutes once)';
  const free = freemem() / 2 ** 30;
  return free * 2 ** 30 < WANTED_BYTES ? `${free.toFixed(1)} GB of memory are free, a cluster wants 6` : undefined;
}

export interface LabNight {
  readonly log: string;
  /** What it came to; a reason when it could not run after all. */
  readonly ended: Promise<FileResult | string>;
}

/** Mostly it waits for kubeadm, so it costs the tests beside it little. Its output goes to a file. CI tries it once more, as every test. */
export function startLabNight(): LabNight {
  mkdirSync(labRoot(), { recursive: true });
  const log = join(labRoot(), 'npm-test.log');
  return { log, ended: process.env['CI'] === undefined ? playNight(log) : playTwice(log) };
}

async function playTwice(log: string): Promise<FileResult | string> {
  const first = await playNight(log);
  if (typeof first === 'string' || first.failed.length === 0) return first;
  const second = await playNight(log);
  return typeof second === 'string' ? first : { ...second, flaky: second.failed.length === 0 ? first.failed : [] };
}

function playNight(log: string): Promise<FileResult | string> {
  const output = createWriteStream(log);
  const child = spawn(process.execPath, ['test/lab-night/run.ts', '--only', NIGHT], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const { promise, resolve } = Promise.withResolvers<FileResult | string>();
  child.on('error', (error) => resolve(resultOf(error.message, 1)));
  child.on('close', (code) => output.end(() => resolve(judge(code ?? 1, log))));
  return promise;
}

function judge(code: number, log: string): FileResult | string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  if (code === CANNOT_RUN_HERE) return lines.find((line) => line.includes('cannot run here')) ?? 'it cannot run here';
  return resultOf(`exit code ${code}, the end of ${log}:\n${lines.slice(-LINES_OF_ITS_END).join('\n')}`, code);
}

function resultOf(why: string, code: number): FileResult {
  const isGood = code === 0;
  return {
    file: `test/lab-night/${NIGHT}-night.ts`,
    passed: isGood ? 1 : 0,
    failed: isGood ? [] : [{ name: `the night ${NIGHT}`, why: stripVTControlCharacters(why) }],
    flaky: [],
    skipped: 0,
  };
}
