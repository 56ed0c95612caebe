import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NightliftError } from './errors.ts';
import {
  compareVersions,
  isMinor,
  jumpBetween,
  minorNumber,
  minorOf,
  newestVersion,
  nextMinor,
  oldestVersion,
  parseDebianVersion,
  parseVersion,
  prereleaseOf,
  previousMinor,
  versionFromUser,
  versionLabel,
} from './version.ts';

const part = fc.integer({ min: 0, max: 99 });
const anyVersion = fc.tuple(fc.constantFrom(1, 2), part, part).map((parts) => parts.join('.'));

describe('parseVersion', () => {
  it.each([
    ['1.36.4', '1.36.4'],
    ['v1.36.4', '1.36.4'],
    ['1.36', undefined],
    ['v1.36', undefined],
    ['1.36.x', undefined],
    ['1.36.4-rc.0', undefined],
    ['1.36.4-1.1', undefined],
    ['1.36.4+vendor', undefined],
    ['1.036.4', undefined],
    ['vv1.36.4', undefined],
    [' 1.36.4', undefined],
    ['', undefined],
  ])('reads %j as %j', (text, expected) => {
    expect(parseVersion(text)).toBe(expected);
  });
});

describe('parseDebianVersion', () => {
  it.each([
    ['1.36.2-2.1', { version: '1.36.2', revision: '2.1' }],
    ['1.36.10-1', { version: '1.36.10', revision: '1' }],
    ['1.36.2', undefined],
    ['1.36.2-rc.0-1.1', undefined],
    ['1:1.36.2-1.1', undefined],
  ])('reads %j as %j', (text, expected) => {
    expect(parseDebianVersion(text)).toEqual(expected);
  });
});

describe('versionFromUser', () => {
  it.each([
    ['1.36', 'the patch number is missing'],
    ['v1.36', 'the patch number is missing'],
    ['v1.36.4-1.1', 'a package revision is not part of the version'],
    ['v1.36.4-rc.0', 'prereleases are never installed'],
    ['vv1.36.4', 'this is not a version'],
    ['1.36.x', 'a wildcard is not a version'],
    ['1.36.4-rc.0', 'prereleases are never installed'],
    ['1.36.4-1.1', 'a package revision is not part of the version'],
    ['latest', 'this is not a version'],
    ['', 'this is not a version'],
  ])('refuses %j and says that %s', (text, problem) => {
    expect(() => versionFromUser(text, '--to')).toThrow(NightliftError);
    expect(() => versionFromUser(text, '--to')).toThrow(problem);
  });

  it.each([' 1.36.4 ', 'v1.36.4'])('takes the whole version %j', (text) => {
    expect(versionFromUser(text, '--to')).toBe('1.36.4');
  });

  it('is a mistake of usage, which the person can mend', () => {
    try {
      versionFromUser('v1.36', '--to');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ kind: 'usage', exitCode: 64, remedy: expect.stringContaining('1.36.4') });
    }
  });
});

describe('prereleaseOf', () => {
  it.each([
    ['-rc.1', '-rc.1'],
    ['-rc1', '-rc1'],
    ['~rc.0-1.1', '-rc.0'],
    ['-alpha.2.5', '-alpha.2'],
    ['-beta', '-beta'],
    ['-0.dev', '-0.dev'],
    ['-RC1', '-RC1'],
    ['-pre.2', '-pre.2'],
    ['', ''],
    ['-alpine', ''],
    ['-debian-12-r1', ''],
    ['-1.1', ''],
    ['~ds1', ''],
    ['+k3s1', ''],
    ['-k3s1-rc1', ''],
  ])('%s → %s', (suffix, want) => {
    expect(prereleaseOf(suffix)).toBe(want);
  });
});

describe('order and parts', () => {
  it('counts another major as further away than any minor', () => {
    expect([minorNumber('1.36.4'), minorNumber('1.36'), minorNumber('2.0'), minorNumber('2.36.1')]).toEqual([
      36, 36, 1000, 1036,
    ]);
    expect([nextMinor('2.0'), previousMinor('2.1')]).toEqual(['2.1', '2.0']);
  });

  it('compares by number, not by letter', () => {
    expect(oldestVersion(['1.36.10', '1.36.9', '1.37.0'])).toBe('1.36.9');
    expect(newestVersion(['1.36.10', '1.36.9'])).toBe('1.36.10');
    expect(oldestVersion([])).toBeUndefined();
    expect(newestVersion([])).toBeUndefined();
  });

  it('takes versions apart', () => {
    expect(minorOf('1.36.4')).toBe('1.36');
    expect(minorNumber('1.36')).toBe(36);
    expect(nextMinor('1.99')).toBe('1.100');
    expect(versionLabel('1.36.4')).toBe('1-36-4');
    expect([isMinor('1.36'), isMinor('1.36.4'), isMinor('v1.36')]).toEqual([true, false, false]);
  });
});

describe('jumpBetween', () => {
  it.each([
    ['1.36.4', '1.36.4', 'none'],
    ['1.36.3', '1.36.4', 'patch'],
    ['1.36.9', '1.36.10', 'patch'],
    ['1.36.4', '1.37.0', 'minor'],
  ])('%s to %s is %s', (from, to, expected) => {
    expect(jumpBetween(from, to)).toBe(expected);
  });

  it.each([
    ['1.36.4', '1.36.3', 'does not downgrade'],
    ['1.36.4', '1.35.9', 'does not downgrade'],
    ['1.36.4', '2.36.5', 'another major version'],
    ['1.35.8', '1.37.1', '1.36 comes next'],
  ])('refuses %s to %s and says why', (from, to, why) => {
    expect(jumpBetween(from, to)).toMatchObject({ problem: expect.stringContaining(why) });
  });

  it('D03 never calls a lower version a jump, whatever the two are', () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, (from, to) => {
        const jump = jumpBetween(from, to);
        if (compareVersions(to, from) < 0) expect(jump).toHaveProperty('problem');
        if (jump === 'patch') expect(minorOf(to)).toBe(minorOf(from));
        if (jump === 'minor') expect(minorOf(to)).toBe(nextMinor(minorOf(from)));
      }),
    );
  });
});
