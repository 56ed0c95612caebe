import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts, JobFact, ReleaseFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { compareVersions, jumpBetween, minorOf } from '../version.ts';
import { pathFromUser } from './path-from-user.ts';
import { aboveCeiling, type TargetPolicy } from './target-policy.ts';

const policy: TargetPolicy = { ceiling: '', skip: [], minimumAgeHours: 0, firstPatchOfMinor: 1 };

const release = (...versions: string[]): ReleaseFact => ({
  minor: minorOf(versions[0] ?? ''),
  source: 'feed',
  versions,
});

/** A cluster on 1.35.8 and what is published above it. */
function published(next: ReleaseFact | null, ...later: ReleaseFact[]): Partial<Facts> {
  return { nextMinorReleases: known(next), laterReleases: known(later) };
}
const ALL = published(release('1.36.0', '1.36.3', '1.36.4'), release('1.37.0', '1.37.1'), release('1.38.0', '1.38.1'));

const ask = (target: string, facts: Partial<Facts> = ALL, fields: Partial<TargetPolicy> = {}) =>
  pathFromUser(exampleFacts(facts, '1.35.8'), target, { ...policy, ...fields });

function versionsOf(answer: ReturnType<typeof ask>): readonly string[] {
  return answer?.kind === 'path' ? answer.hops.map(({ version }) => version) : [answer?.why ?? 'one hop'];
}

function job(target: string, status: JobFact['status']): JobFact {
  return {
    name: `k8s-upgrade-preflight-${target}`,
    phase: 'preflight',
    target,
    node: null,
    runner: null,
    status,
    reason: '',
    createdAt: '2026-11-21T03:00:00Z',
    finishedAt: null,
  };
}

const halfDone: Partial<Facts> = {
  apiServer: known('1.36.3'),
  nodes: known([exampleNode('cp-1', { kubelet: '1.36.3' }), exampleNode('worker-1', { kubelet: '1.35.8' })]),
  ...published(release('1.37.0', '1.37.1'), release('1.38.0', '1.38.1')),
};

describe('pathFromUser', () => {
  const rows: {
    title: string;
    target: string;
    facts?: Partial<Facts>;
    policy?: Partial<TargetPolicy>;
    way: string[];
  }[] = [
    { title: 'takes the newest patch of what lies between', target: '1.37.1', way: ['1.36.4', '1.37.1'] },
    { title: 'goes as far as three minors', target: '1.38.0', way: ['1.36.4', '1.37.1', '1.38.0'] },
    {
      title: 'passes over the skip list on the way',
      target: '1.37.1',
      policy: { skip: ['1.36.4'] },
      way: ['1.36.3', '1.37.1'],
    },
    {
      title: 'stays below the ceiling on the way',
      target: '1.37.1',
      policy: { ceiling: '1.36.3' },
      way: ['1.36.3', '1.37.1'],
    },
    {
      title: 'takes what is known for long enough',
      target: '1.37.1',
      policy: { minimumAgeHours: 48 },
      facts: { ...ALL, firstSeen: known({ '1.36.3': '2026-11-01T00:00:00Z', '1.36.4': '2026-11-21T00:00:00Z' }) },
      way: ['1.36.3', '1.37.1'],
    },
    { title: 'is none for the next minor', target: '1.36.4', way: ['one hop'] },
    { title: 'is none for a patch', target: '1.35.9', way: ['one hop'] },
    { title: 'is none for what is lower', target: '1.34.1', way: ['one hop'] },
    { title: 'is none to another major', target: '2.0.1', way: ['one hop'] },
    { title: 'is none to what is on the skip list', target: '1.37.1', policy: { skip: ['1.37.1'] }, way: ['one hop'] },
    { title: 'finishes first what is half-done', target: '1.37.1', facts: halfDone, way: ['1.36.3', '1.37.1'] },
    { title: 'is none to the half-done version itself', target: '1.36.3', facts: halfDone, way: ['one hop'] },
    {
      title: 'goes on with the chain that runs, and not with a newer patch',
      target: '1.37.1',
      facts: { ...ALL, chainJobs: known([job('1.36.3', 'active')]) },
      way: ['1.36.3', '1.37.1'],
    },
    {
      title: 'forgets a chain that has ended',
      target: '1.37.1',
      facts: { ...ALL, chainJobs: known([job('1.36.3', 'failed')]) },
      way: ['1.36.4', '1.37.1'],
    },
    {
      title: 'closes a run that has reached its version first',
      target: '1.36.4',
      facts: {
        ...ALL,
        run: known({
          startedAt: '2026-11-21T03:00:00Z',
          target: '1.35.8',
          snapshotPath: null,
          stopped: null,
          stoppedAt: null,
        }),
      },
      way: ['1.35.8', '1.36.4'],
    },
    {
      title: 'goes on with a run that has stopped',
      target: '1.37.1',
      facts: {
        ...ALL,
        run: known({
          startedAt: '2026-11-21T03:00:00Z',
          target: '1.36.3',
          snapshotPath: null,
          stopped: 'x',
          stoppedAt: null,
        }),
      },
      way: ['1.36.3', '1.37.1'],
    },
    {
      title: 'does not name a version by itself that the first patch of a minor rules out',
      target: '1.37.1',
      facts: published(release('1.36.0'), release('1.37.1')),
      way: [
        '1.36 lies on the way to 1.37.1, as kubeadm goes one minor at a time, and no version of it may be taken: 1.36.0 is below 1.36.1, the first to be taken',
      ],
    },
    {
      title: 'names the rule that leaves none',
      target: '1.37.1',
      policy: { ceiling: '1.35' },
      way: [
        '1.36 lies on the way to 1.37.1, as kubeadm goes one minor at a time, and no version of it may be taken: 1.36.3 is above the ceiling 1.35, 1.36.4 is above the ceiling 1.35',
      ],
    },
    {
      title: 'refuses when a minor on the way is missing',
      target: '1.38.1',
      facts: published(release('1.36.4'), release('1.38.1')),
      way: ['1.37 lies on the way to 1.38.1, as kubeadm goes one minor at a time, and is not published'],
    },
    {
      title: 'refuses when there is no minor above',
      target: '1.37.1',
      facts: published(null),
      way: ['1.36 lies on the way to 1.37.1, as kubeadm goes one minor at a time, and is not published'],
    },
    {
      title: 'refuses an end that is not published',
      target: '1.37.9',
      way: ['1.37.9 is not published; of 1.37: 1.37.0, 1.37.1'],
    },
    {
      title: 'refuses a minor that is not published',
      target: '1.39.1',
      way: ['1.39.1 is not published; of 1.39: none'],
    },
    {
      title: 'is unknown when the feed is',
      target: '1.37.1',
      facts: { nextMinorReleases: unknown('no route'), laterReleases: unknown('no route') },
      way: ['the releases of 1.36 could not be looked up: no route'],
    },
    {
      title: 'is unknown when only the end is',
      target: '1.37.1',
      facts: { nextMinorReleases: known(release('1.36.4')), laterReleases: unknown('503') },
      way: ['the releases of 1.37 could not be looked up: 503'],
    },
    {
      title: 'leaves the end to its preflight where the feed is not reached from here',
      target: '1.37.1',
      facts: {
        nextMinorReleases: known(release('1.36.4')),
        laterReleases: { known: false, why: 'no key', notFromHere: true },
      },
      way: ['1.36.4', '1.37.1'],
    },
    {
      title: 'is unknown with facts of an older version',
      target: '1.37.1',
      facts: { nextMinorReleases: known(release('1.36.4')) },
      way: ['the releases of 1.37 could not be looked up: these facts have none of it'],
    },
  ];
  it.each(rows)('$title', ({ target, facts, policy: fields, way }) => {
    expect(versionsOf(ask(target, facts, fields))).toEqual(way);
  });

  it('says from where, and why each hop', () => {
    expect(ask('1.37.1', halfDone)).toEqual({
      kind: 'path',
      from: '1.35.8',
      target: '1.37.1',
      hops: [
        { version: '1.36.3', why: 'begun already, and finished first' },
        { version: '1.37.1', why: 'a person asked for it' },
      ],
    });
    expect(ask('1.37.1')).toMatchObject({
      hops: [{ why: 'the newest of 1.36 that may be taken, on the way to 1.37.1' }, {}],
    });
  });

  it('goes up by a minor at most, ends at the target, and takes nothing by itself that may not be taken', () => {
    const minors = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }), {
      minLength: 2,
      maxLength: 5,
    });
    const rules = fc.record({
      skip: fc.array(
        fc.tuple(fc.integer({ min: 36, max: 40 }), fc.integer({ min: 0, max: 6 })).map(([x, y]) => `1.${x}.${y}`),
      ),
      ceiling: fc.constantFrom('', '1.36', '1.37', '1.37.3', '1.38', '1.40'),
      firstPatchOfMinor: fc.integer({ min: 0, max: 2 }),
    });
    let paths = 0;
    fc.assert(
      fc.property(minors, rules, fc.nat(), (patches, rule, pick) => {
        const feed = patches.map((list, index) =>
          release(...list.toSorted((a, b) => a - b).map((patch) => `1.${36 + index}.${patch}`)),
        );
        const [next, ...later] = feed;
        const all = feed.flatMap(({ versions }) => versions);
        const target = all[pick % all.length] ?? '';
        const answer = ask(target, published(next ?? null, ...later), rule);
        if (answer === undefined) {
          expect(minorOf(target) === '1.36' || rule.skip.includes(target)).toBe(true);
          return;
        }
        const between = (version: string): boolean =>
          !rule.skip.includes(version) &&
          !aboveCeiling(version, rule.ceiling) &&
          Number(version.split('.')[2]) >= rule.firstPatchOfMinor;
        if (answer.kind !== 'path') {
          // A refusal has a reason that is true: a minor on the way has nothing that may be taken.
          const empty = feed.filter(
            ({ minor, versions }) =>
              compareVersions(`${minor}.0`, `${minorOf(target)}.0`) < 0 && !versions.some(between),
          );
          expect(empty.length).toBeGreaterThan(0);
          return;
        }
        paths++;
        const way = answer.hops.map(({ version }) => version);
        expect(way.at(-1)).toBe(target);
        for (const [index, version] of way.entries())
          expect(jumpBetween(way[index - 1] ?? '1.35.8', version)).toBe('minor');
        for (const version of way.slice(0, -1)) {
          expect(between(version)).toBe(true);
          expect(
            all.filter((one) => minorOf(one) === minorOf(version) && between(one) && compareVersions(one, version) > 0),
          ).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
    expect(paths).toBeGreaterThan(50);
  });
});
