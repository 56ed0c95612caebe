import { expect, test } from 'vitest';
import { timeAgo } from './age.ts';

const now = new Date('2026-11-26T02:30:00Z');

test.each([
  ['2026-11-26T02:25:00Z', '5 min ago'],
  ['2026-11-23T22:30:59Z', '2 d 3 h ago'],
  ['2026-11-26T02:30:01Z', '0 s ago'],
  ['last night', "at 'last night', which is not a time"],
  ['', "at '', which is not a time"],
])('%j is %s', (moment, said) => {
  expect(timeAgo(moment, now)).toBe(said);
});
