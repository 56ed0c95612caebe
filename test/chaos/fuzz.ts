import { NightliftError } from '../../src/errors.ts';
import { createDice, mutate } from './mutate.ts';

/** A parser of text from outside: what it is fed, and what every answer of it must be like. */
export interface FuzzCase {
  readonly name: string;
  readonly seeds: readonly string[];
  /** Throws a NightliftError for what it does not take; returns what is wrong with its answer. */
  readonly run: (text: string) => string | undefined;
}

export interface FuzzResult {
  readonly inputs: number;
  /** Inputs that were taken, the others got an error of ours. */
  readonly taken: number;
  readonly slowestMs: number;
  readonly failures: readonly string[];
}

/** Longer than any of these parsers takes for 16 kB: only a regexp that tries all ways does. */
const SLOW_MS = 60;
const MOST_FAILURES = 5;

/** Feeds a parser with damaged text: it answers rightly or with an error of ours, and soon. */
export function fuzz(one: FuzzCase, count: number, seed: number): FuzzResult {
  const dice = createDice(seed);
  const failures: string[] = [];
  let taken = 0;
  let slowestMs = 0;
  for (let index = 0; index < count && failures.length < MOST_FAILURES; index += 1) {
    const text = mutate(dice, one.seeds);
    const ms = timeOf(() => {
      const problem = answerTo(one, text);
      if (problem === undefined) taken += 1;
      else if (problem !== '') failures.push(`${problem}: ${JSON.stringify(text.slice(0, 600))}`);
    });
    if (ms < SLOW_MS) slowestMs = Math.max(slowestMs, ms);
    else {
      // Once may be the collector of garbage; three times is the parser.
      const again = Math.min(ms, ...[1, 2].map(() => timeOf(() => void answerTo(one, text))));
      slowestMs = Math.max(slowestMs, again);
      if (again >= SLOW_MS)
        failures.push(`${again.toFixed(0)} ms for ${text.length} characters: ${JSON.stringify(text.slice(0, 600))}`);
    }
  }
  return { inputs: count, taken, slowestMs, failures };
}

/** undefined for a right answer, '' for an error of ours, else what is wrong. */
function answerTo({ run }: FuzzCase, text: string): string | undefined {
  try {
    return run(text);
  } catch (error) {
    if (error instanceof NightliftError) return error.message === '' ? 'an error without words' : '';
    return `not an error of ours: ${String(error)}`;
  }
}

/** Of the processor: a busy machine makes nothing slower. */
function timeOf(act: () => void): number {
  const before = process.threadCpuUsage();
  act();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
