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

describe('what targetFromUser says', () => {
  const ask = (version: string, facts: Partial<Facts> = {}, fields: Partial<TargetPolicy> = {}) =>
    targetFromUser(exampleFacts(facts), version, { ...policy, ...fields });
  const halfDone: Partial<Facts> = {
    apiServer: known('1.36.4'),
    nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('worker-1')]),
  };

  it('is the jump from what runs', () => {
    expect(ask('1.36.4', patches('1.36.3', '1.36.4'))).toEqual({
      kind: 'target',
      version: '1.36.4',
      jump: 'patch',
      running: '1.36.3',
      why: 'a person asked for it',
    });
    expect(ask('1.37.0', minors('1.37.0'))).toMatchObject({ kind: 'target', jump: 'minor' });
    expect(ask('1.36.4', halfDone)).toEqual({
      kind: 'target',
      version: '1.36.4',
      jump: 'patch',
      running: '1.36.3',
      why: 'a person asked to finish the half-done upgrade to 1.36.4',
    });
  });

  it('is the way there when minors lie between', () => {
    expect(ask('1.39.2')).toMatchObject({
      because: 'skips-minor',
      remedy: 'Go 1.36.3 → 1.37 → 1.38 → 1.39.2: first `nightlift upgrade --to` a version of 1.37.',
    });
  });

  it('is what is published instead', () => {
    const why = (version: string, facts: Partial<Facts>) => ask(version, facts).why;
    expect(why('1.36.9', patches('1.36.3', '1.36.4', '1.36.5'))).toBe(
      '1.36.9 is not published; newer than 1.36.3 of 1.36: 1.36.4, 1.36.5',
    );
    expect(why('1.36.9', patches('1.36.3'))).toBe('1.36.9 is not published; newer than 1.36.3 of 1.36: none');
    expect(why('1.37.5', minors('1.37.0', '1.37.1'))).toBe(
      '1.37.5 is not published; newer than 1.36.3 of 1.37: 1.37.0, 1.37.1',
    );
    expect(why('1.37.5', {})).toBe('1.37.5 is not published; newer than 1.36.3 of 1.37: none');
  });

  it('refuses another version for a half-done upgrade that is no patch of it, and names the way out', () => {
    expect(ask('1.38.0', halfDone)).toMatchObject({
      because: 'half-done',
      remedy: expect.stringMatching(/--to 1\.36\.4/),
    });
    expect(ask('1.36.3', halfDone)).toMatchObject({ kind: 'refused', because: 'lower' });
  });

  it('does not finish a half-done upgrade to a version of the skip list', () => {
    expect(ask('1.36.4', halfDone, { skip: ['1.36.4'] })).toMatchObject({ kind: 'refused', because: 'skip-list' });
  });

  it('I14 is unknown when what runs, or what is published, is', () => {
    expect(ask('1.36.4', { apiServer: unknown('503') })).toEqual({
      kind: 'unknown',
      why: "the API server's version could not be read: 503",
    });
    expect(ask('1.37.1', { nextMinorReleases: unknown('no route') })).toEqual({
      kind: 'unknown',
      why: 'the releases of 1.37 could not be looked up: no route',
    });
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
