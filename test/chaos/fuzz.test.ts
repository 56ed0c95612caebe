import { describe, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { FUZZ_CASES } from './fuzz-cases.ts';

const INPUTS = 2_000;

describe('text from outside', { timeout: 120_000 }, () => {
  it.each(FUZZ_CASES)('I02 I10 I14 D04 D10 $name: damaged text gets a right answer or an error of ours', (one) => {
    const { failures, taken } = fuzz(one, INPUTS, 20_261_121);
    expect(failures).toEqual([]);
    // Damage that no parser takes would prove little.
    expect(taken).toBeGreaterThan(INPUTS / 50);
  });
});

describe('fuzz', () => {
  const about = (run: (text: string) => string | undefined) => fuzz({ name: 'x', seeds: ['a b'], run }, 1, 1).failures;
  const busy = (ms: number): undefined => {
    const end = process.threadCpuUsage().user + ms * 1000;
    while (process.threadCpuUsage().user < end);
    return undefined;
  };

  it.each([
    ['a wrong answer', () => 'made up', /^made up: /],
    ['an error that is not ours', () => JSON.parse('{'), /^not an error of ours: SyntaxError/],
    ['an answer that takes too long', () => busy(100), /^\d+ ms for \d+ characters/],
  ])('finds %s', (_, run, expected) => {
    expect(about(run)[0]).toMatch(expected);
  });
});
