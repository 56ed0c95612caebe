import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const KEYS = ['soakSeconds', 'drainSeconds', 'readySeconds', 'apiSeconds'];

describe('nearest', () => {
  it.each([
    ['soakSecond', 'soakSeconds'],
    ['drainsecconds', 'drainSeconds'],
    ['apiSecnods', 'apiSeconds'],
    ['SOAKSECONDS', 'soakSeconds'],
    ['readySeconds', 'readySeconds'],
  ])('takes %j for %j', (word, expected) => {
    expect(nearest(word, KEYS)).toBe(expected);
  });

  it.each(['color', 'x', '', 'namespace'])('offers nothing for %j, which is close to none of them', (word) => {
    expect(nearest(word, KEYS)).toBeUndefined();
  });

  it('offers nothing when there is nothing to offer', () => {
    expect(nearest('soak', [])).toBeUndefined();
  });
});
