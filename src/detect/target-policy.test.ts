import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { aboveCeiling, newestAllowed, refusedByPolicy, type TargetPolicy } from './target-policy.ts';

const policy: TargetPolicy = { ceiling: '', skip: [], minimumAgeHours: 0, firstPatchOfMinor: 1 };
const NOW = Date.parse(exampleFacts().observedAt);
const seen = (hoursAgo: Readonly<Record<string, number>>): Pick<Facts, 'firstSeen'> => ({
  firstSeen: known(
    Object.fromEntries(
      Object.entries(hoursAgo).map(([version, hours]) => [version, new Date(NOW - hours * 3_600_000).toISOString()]),
    ),
  ),
});

describe('newestAllowed', () => {
  const of = (versions: string[], fields: Partial<TargetPolicy> = {}, facts: Partial<Facts> = {}) =>
    newestAllowed(versions, exampleFacts(facts), { ...policy, ...fields });

  it('is the newest by number', () => {
    expect(of(['1.36.10', '1.36.9'])).toEqual({
      version: '1.36.10',
      tooYoung: [],
      why: 'there is no newer patch',
    });
  });

  it('is none of no versions', () => {
    expect(of([])).toEqual({ version: undefined, tooYoung: [], why: 'there is no newer patch' });
  });

  it('says of each version why it is not taken', () => {
    const skipped = { skip: ['1.36.5'], ceiling: '1.36.6', minimumAgeHours: 24 };
    expect(of(['1.36.4', '1.36.5', '1.36.6', '1.36.7'], skipped, seen({ '1.36.4': 30, '1.36.6': 6.9 }))).toEqual({
      version: '1.36.4',
      tooYoung: ['1.36.6'],
      why: '1.36.5 is on the skip list, 1.36.6 has been known for 6 of 24 hours, 1.36.7 is above the ceiling 1.36.6',
    });
  });

  it.each<{ title: string; facts: Partial<Facts>; taken: boolean }>([
    { title: 'known for just that long', facts: seen({ '1.36.4': 72 }), taken: true },
    { title: 'known for less', facts: seen({ '1.36.4': 71.999 }), taken: false },
    { title: 'seen for the first time now', facts: seen({ '1.36.3': 100 }), taken: false },
    { title: 'of which nobody knows', facts: { firstSeen: unknown('damaged') }, taken: false },
    { title: 'first seen in the future', facts: seen({ '1.36.4': -100 }), taken: false },
  ])('D05 takes a version $title after 72 hours: $taken', ({ facts, taken }) => {
    const { version, tooYoung } = of(['1.36.4'], { minimumAgeHours: 72 }, facts);
    expect({ version, tooYoung }).toEqual({
      version: taken ? '1.36.4' : undefined,
      tooYoung: taken ? [] : ['1.36.4'],
    });
  });

  it('takes a version of the future when no age is asked for', () => {
    expect(of(['1.36.4'], {}, seen({ '1.36.4': -100 })).version).toBe('1.36.4');
  });
});

describe('aboveCeiling', () => {
  it.each([
    ['1.36.4', '', false],
    ['1.36.4', '1.36.4', false],
    ['1.36.5', '1.36.4', true],
    ['1.36.10', '1.36.9', true],
    ['1.36.9', '1.36.10', false],
    ['1.36.99', '1.36', false],
    ['1.37.0', '1.36', true],
    ['1.37.5', '1.37', false],
    ['1.37.0', '1.36.9', true],
    ['1.35.9', '1.36', false],
  ])('%s above the ceiling "%s": %s', (version, ceiling, above) => {
    expect(aboveCeiling(version, ceiling)).toBe(above);
  });
});

describe('refusedByPolicy', () => {
  it.each<[string, Partial<TargetPolicy>, string | undefined]>([
    ['1.36.4', {}, undefined],
    ['1.36.4', { skip: ['1.36.5'], ceiling: '1.36' }, undefined],
    ['1.36.4', { skip: ['1.36.5', '1.36.4'] }, '1.36.4 is on the skip list'],
    ['1.37.1', { ceiling: '1.36' }, '1.37.1 is above the ceiling 1.36'],
  ])('says of %s under %j: %s', (version, fields, why) => {
    expect(refusedByPolicy(version, { ...policy, ...fields })).toBe(why);
  });
});
