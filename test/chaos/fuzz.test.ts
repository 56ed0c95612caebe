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
