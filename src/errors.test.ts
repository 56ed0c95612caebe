import { describe, expect, it } from 'vitest';
import { NightliftError, reasonOf } from './errors.ts';

describe('NightliftError', () => {
  it('takes an empty remedy for none', () => {
    expect(new NightliftError('cluster', 'reading', { remedy: '' }).remedy).toBeUndefined();
    expect(new NightliftError('cluster', 'reading', {}).remedy).toBeUndefined();
    expect(new NightliftError('cluster', 'reading', { remedy: 'look' }).remedy).toBe('look');
  });

  it.each([
    ['usage', 64],
    ['config', 64],
    ['cluster', 3],
    ['node', 3],
    ['network', 3],
    ['phase', 3],
    ['timeout', 3],
  ] as const)('of kind %s has the exit code %i', (kind, exitCode) => {
    expect(new NightliftError(kind, 'x').exitCode).toBe(exitCode);
  });
});

describe('reasonOf', () => {
  it('is the message, and for "fetch failed" its cause as well', () => {
    expect(reasonOf(new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') }))).toBe(
      'fetch failed: connect ECONNREFUSED',
    );
    expect(reasonOf(new Error('away', { cause: new Error('inside') }))).toBe('away');
    expect(reasonOf('text')).toBe('text');
  });
});
