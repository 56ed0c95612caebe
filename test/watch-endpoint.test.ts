import { describe, expect, it } from 'vitest';
import { awayIn } from './lab-night/watch-endpoint.ts';

describe('for how long the witness of a night had no answer', () => {
  const answer = (askedAt: number, answeredAt: number, good: boolean) => ({ askedAt, answeredAt, good });

  it.each([
    ['every answer is good', [answer(0, 1, true), answer(10, 11, true)], 0],
    ['until the next good answer', [answer(0, 1, true), answer(10, 15, false), answer(20, 21, true)], 11],
    [
      'the questions that hang meanwhile count once',
      [answer(10, 60, false), answer(20, 70, false), answer(65, 66, true)],
      56,
    ],
    ['answers come in any order', [answer(65, 66, true), answer(20, 70, false), answer(10, 60, false)], 56],
    ['twice', [answer(10, 15, false), answer(20, 21, true), answer(30, 35, false), answer(40, 41, true)], 22],
    // What was asked before the good answer came says nothing of the time before it.
    [
      'no time counts twice',
      [answer(10, 15, false), answer(20, 50, true), answer(30, 35, false), answer(60, 61, true)],
      51,
    ],
    ['an answer that never came is not known to have an end', [answer(10, 15, false)], 0],
  ])('%s', (_what, answers, away) => {
    expect(awayIn(answers).reduce((sum, { since, until }) => sum + until - since, 0)).toBe(away);
  });
});
