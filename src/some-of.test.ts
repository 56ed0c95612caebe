import { expect, test } from 'vitest';
import { someOf } from './some-of.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index + 1}`);

test.each([
  [someOf([]), ''],
  [someOf(names(2)), 'w1, w2'],
  [someOf(names(10)), 'w1, w2, w3, w4, w5, w6, w7, w8, w9, w10'],
  [someOf(names(5000), 2), 'w1, w2 and 4,998 more'],
  [someOf(names(3), 2, '; '), 'w1; w2; and 1 more'],
])('%s', (said, expected) => {
  expect(said).toBe(expected);
});
