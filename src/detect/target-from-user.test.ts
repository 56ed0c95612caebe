import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { minorNumber } from '../version.ts';
import { targetFromUser, upgradePath } from './target-from-user.ts';
import type { TargetPolicy } from './target-policy.ts';

const policy: TargetPolicy = { ceiling: '', skip: [], minimumAgeHours: 0, firstPatchOfMinor: 1 };

const patches = (...versions: string[]): Partial<Facts> => ({
  patchReleases: known({ minor: '1.36', source: 'apt on cp-1', versions }),
});
const minors = (...versions: string[]): Partial<Facts> => ({
  nextMinorReleases: known({ minor: '1.37', source: 'https://feed/v1.37', versions }),
});

describe('targetFromUser', () => {
  const halfDone: Partial<Facts> = {
    apiServer: known('1.36.4'),
    nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('worker-1')]),
  };
  const rows: {
    title: string;
    facts: Partial<Facts>;
    version: string;
    policy?: Partial<TargetPolicy>;
    want: { kind: string; because?: string; why: RegExp };
  }[] = [
    {
      title: 'takes a published patch, not only the newest',
      facts: patches('1.36.3', '1.36.4', '1.36.5'),
      version: '1.36.4',
      want: { kind: 'target', why: /asked/ },
    },
    {
      title: 'takes a published version of the next minor',
      facts: minors('1.37.0'),
      version: '1.37.0',
      want: { kind: 'target', why: /asked/ },
    },
    {
      title: 'lets a person go above the ceiling',
      facts: patches('1.36.3', '1.36.4'),
      version: '1.36.4',
      policy: { ceiling: '1.35', minimumAgeHours: 1000 },
      want: { kind: 'target', why: /asked/ },
    },
    {
      title: 'refuses a lower version',
      facts: {},
      version: '1.36.2',
      want: { kind: 'refused', because: 'lower', why: /does not downgrade/ },
    },
    {
      title: 'refuses the running version',
      facts: {},
      version: '1.36.3',
      want: { kind: 'refused', because: 'equal', why: /already/ },
    },
    {
      title: 'refuses to skip a minor',
      facts: minors('1.37.1'),
      version: '1.38.0',
      want: { kind: 'refused', because: 'skips-minor', why: /one minor at a time/ },
    },
    {
      title: 'refuses a patch that is not published and lists those that are',
      facts: patches('1.36.3', '1.36.4'),
      version: '1.36.9',
      want: { kind: 'refused', because: 'not-published', why: /1\.36\.9 is not published.*1\.36\.4/ },
    },
    {
      title: 'refuses a minor that is not published',
      facts: {},
      version: '1.37.1',
      want: { kind: 'refused', because: 'not-published', why: /none/ },
    },
    {
      title: 'refuses a version of the skip list',
      facts: patches('1.36.3', '1.36.4'),
      version: '1.36.4',
      policy: { skip: ['1.36.4'] },
      want: { kind: 'refused', because: 'skip-list', why: /skip list/ },
    },
    {
      title: 'finishes a half-done upgrade',
      facts: halfDone,
      version: '1.36.4',
      want: { kind: 'target', why: /half-done/ },
    },
    {
      title: 'lets a person leave a bad half-done patch for a newer one',
      facts: { ...halfDone, ...patches('1.36.3', '1.36.4', '1.36.5') },
      version: '1.36.5',
      want: { kind: 'target', why: /asked/ },
    },
    {
      title: 'refuses another minor while an upgrade is half-done',
      facts: { ...halfDone, ...minors('1.37.1') },
      version: '1.37.1',
      want: { kind: 'refused', because: 'half-done', why: /half-done/ },
    },
    {
      title: 'says unknown when the source cannot be asked',
      facts: { patchReleases: unknown('refused') },
      version: '1.36.4',
      want: { kind: 'unknown', why: /refused/ },
    },
  ];
  it.each(rows)('$title', (row) => {
    const answer = targetFromUser(exampleFacts(row.facts), row.version, { ...policy, ...row.policy });
    expect(answer).toMatchObject({
      kind: row.want.kind,
      ...(row.want.because === undefined ? {} : { because: row.want.because }),
    });
    expect(answer.why).toMatch(row.want.why);
  });
});

describe('upgradePath', () => {
  it.each([
    ['1.35.8', '1.37.1', ['1.36', '1.37.1']],
    ['1.36.3', '1.36.4', ['1.36.4']],
    ['1.36.3', '1.37.0', ['1.37.0']],
    ['1.36.3', '1.36.3', []],
    ['1.37.0', '1.36.3', []],
  ])('goes from %s to %s by %j', (from, to, hops) => {
    expect(upgradePath(from, to)).toEqual(hops);
  });

  it('never skips a minor', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 50 }), fc.integer({ min: 0, max: 9 }), (from, jump) => {
        const path = upgradePath(`1.${from}.3`, `1.${from + jump}.4`);
        const numbers = [from, ...path.map((hop) => minorNumber(hop))];
        const gaps = numbers.slice(1).map((minor, index) => minor - (numbers[index] ?? 0));
        expect(gaps.filter((gap) => gap > 1)).toEqual([]);
      }),
    );
  });
});
