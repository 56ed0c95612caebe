import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { compareVersions, jumpBetween, minorOf } from '../version.ts';
import { chooseTarget } from './choose-target.ts';
import type { TargetPolicy } from './target-policy.ts';

const policy: TargetPolicy = { ceiling: '', skip: [], minimumAgeHours: 0, firstPatchOfMinor: 1 };

const patches = (...versions: string[]): Partial<Facts> => ({
  patchReleases: known({ minor: '1.36', source: 'apt on cp-1', versions }),
});
const minors = (...versions: string[]): Partial<Facts> => ({
  nextMinorReleases: known({ minor: '1.37', source: 'https://feed/v1.37', versions }),
});

describe('chooseTarget', () => {
  const rows: {
    title: string;
    facts: Partial<Facts>;
    policy?: Partial<TargetPolicy>;
    want: { kind: string; version?: string; jump?: string; why?: RegExp };
  }[] = [
    {
      title: 'takes the newest patch of the running minor',
      facts: patches('1.36.2', '1.36.3', '1.36.4', '1.36.5'),
      want: { kind: 'target', version: '1.36.5', jump: 'patch' },
    },
    {
      title: 'compares patches as numbers',
      facts: patches('1.36.3', '1.36.9', '1.36.10'),
      want: { kind: 'target', version: '1.36.10' },
    },
    {
      title: 'prefers a newer patch to the next minor',
      facts: { ...patches('1.36.3', '1.36.4'), ...minors('1.37.1') },
      want: { kind: 'target', version: '1.36.4' },
    },
    {
      title: 'takes the next minor when there is no newer patch',
      facts: { ...patches('1.36.3'), ...minors('1.37.0', '1.37.1') },
      want: { kind: 'target', version: '1.37.1', jump: 'minor' },
    },
    {
      title: 'says none when nothing newer is published',
      facts: patches('1.36.2', '1.36.3'),
      want: { kind: 'none', why: /1\.37 is not published/ },
    },
    {
      title: 'D02 does not widen the jump to a minor when the patch look-up failed',
      facts: { patchReleases: unknown('apt-cache: exit code 100'), ...minors('1.37.1') },
      want: { kind: 'unknown', why: /exit code 100/ },
    },
    {
      title: 'D02 D03 takes a list whose newest patch is older than the running one for a stale one',
      facts: { ...patches('1.36.1', '1.36.2'), ...minors('1.37.1') },
      want: { kind: 'unknown', why: /stale/ },
    },
    {
      title: 'I14 takes an empty list of patches for a failed look-up',
      facts: { ...patches(), ...minors('1.37.1') },
      want: { kind: 'unknown', why: /no version of 1\.36/ },
    },
    {
      title: 'I14 does not say none when the next minor could not be looked up',
      facts: { ...patches('1.36.3'), nextMinorReleases: unknown('302 without Location') },
      want: { kind: 'unknown', why: /302/ },
    },
    {
      title: 'takes an existing minor without versions for a failed look-up',
      facts: { ...patches('1.36.3'), ...minors() },
      want: { kind: 'unknown', why: /no version of 1\.37/ },
    },
    {
      title: 'ignores versions of other minors in the list of patches',
      facts: patches('1.36.3', '1.37.5', '1.36.4'),
      want: { kind: 'target', version: '1.36.4', jump: 'patch' },
    },
    {
      title: 'D04 ignores versions of other minors in the list of the next minor',
      facts: { ...patches('1.36.3'), ...minors('1.37.1', '1.38.2') },
      want: { kind: 'target', version: '1.37.1' },
    },
    {
      title: 'does not trust a source that answers for another minor',
      facts: { patchReleases: known({ minor: '1.35', source: 'apt on cp-1', versions: ['1.35.9'] }) },
      want: { kind: 'unknown', why: /answers for 1\.35, but 1\.36/ },
    },
    {
      title: 'never skips a minor, whatever the feed answers',
      facts: {
        ...patches('1.36.3'),
        nextMinorReleases: known({ minor: '1.38', source: 'feed', versions: ['1.38.1'] }),
      },
      want: { kind: 'unknown' },
    },
    {
      title: 'D05 leaves x.y.0 alone',
      facts: { ...patches('1.36.3'), ...minors('1.37.0') },
      want: { kind: 'none', why: /1\.37\.1 is the first/ },
    },
    {
      title: 'takes x.y.0 when the policy says so',
      facts: { ...patches('1.36.3'), ...minors('1.37.0') },
      policy: { firstPatchOfMinor: 0 },
      want: { kind: 'target', version: '1.37.0' },
    },
    {
      title: 'says none when every version of the next minor is on the skip list',
      facts: { ...patches('1.36.3'), ...minors('1.37.1') },
      policy: { skip: ['1.37.1'] },
      want: { kind: 'none', why: /no newer patch; 1\.37\.1 is on the skip list/ },
    },
    {
      title: 'waits for the next minor to get old enough',
      facts: { ...patches('1.36.3'), ...minors('1.37.1'), firstSeen: known({ '1.37.1': '2026-11-21T00:00:00Z' }) },
      policy: { minimumAgeHours: 72 },
      want: { kind: 'none', why: /1\.37\.1 has been known for 6 of 72 hours/ },
    },
    {
      title: 'D05 stays below a ceiling that is a minor, without asking the feed',
      facts: { ...patches('1.36.3'), nextMinorReleases: unknown('refused') },
      policy: { ceiling: '1.36' },
      want: { kind: 'none', why: /above the ceiling 1\.36/ },
    },
    {
      title: 'D05 takes the newest patch below a ceiling that is a version',
      facts: patches('1.36.3', '1.36.4', '1.36.5'),
      policy: { ceiling: '1.36.4' },
      want: { kind: 'target', version: '1.36.4' },
    },
    {
      title: 'D05 passes over versions of the skip list',
      facts: patches('1.36.3', '1.36.4', '1.36.5'),
      policy: { skip: ['1.36.5'] },
      want: { kind: 'target', version: '1.36.4' },
    },
    {
      title: 'goes on to the minor when every newer patch is on the skip list',
      facts: { ...patches('1.36.3', '1.36.4'), ...minors('1.37.1') },
      policy: { skip: ['1.36.4'] },
      want: { kind: 'target', version: '1.37.1', why: /1\.36\.4 is on the skip list/ },
    },
    {
      title: 'D05 takes the newest version that is old enough',
      facts: {
        ...patches('1.36.3', '1.36.4', '1.36.5'),
        firstSeen: known({ '1.36.4': '2026-11-10T00:00:00Z', '1.36.5': '2026-11-21T00:00:00Z' }),
      },
      policy: { minimumAgeHours: 72 },
      want: { kind: 'target', version: '1.36.4' },
    },
    {
      title: 'waits for a young patch and does not take the minor instead',
      facts: {
        ...patches('1.36.3', '1.36.4'),
        ...minors('1.37.1'),
        firstSeen: known({ '1.36.4': '2026-11-21T00:00:00Z', '1.37.1': '2026-01-01T00:00:00Z' }),
      },
      policy: { minimumAgeHours: 72 },
      want: { kind: 'none', why: /known for 6 of 72 hours/ },
    },
    {
      title: 'counts a version without a record as just seen',
      facts: { ...patches('1.36.3', '1.36.4'), firstSeen: unknown('no ConfigMap') },
      policy: { minimumAgeHours: 1 },
      want: { kind: 'none' },
    },
    {
      title: 'says unknown without nodes',
      facts: { nodes: known([]), ...patches('1.36.4') },
      want: { kind: 'unknown', why: /empty/ },
    },
    {
      title: 'says unknown when the nodes could not be read',
      facts: { nodes: unknown('refused'), ...patches('1.36.4') },
      want: { kind: 'unknown' },
    },
    {
      title: 'says unknown when the API server does not say its version',
      facts: { apiServer: unknown('503'), ...patches('1.36.4') },
      want: { kind: 'unknown', why: /503/ },
    },
    {
      title: 'says unknown when a control plane shows no API server',
      facts: { nodes: known([exampleNode('cp-1', { apiServer: null })]), ...patches('1.36.4') },
      want: { kind: 'unknown', why: /cp-1/ },
    },
    {
      title: 'I05 finishes a half-done upgrade although something newer was published',
      facts: {
        apiServer: known('1.36.4'),
        nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('worker-1'), exampleNode('worker-2')]),
        ...patches('1.36.3', '1.36.4', '1.36.5'),
      },
      want: { kind: 'target', version: '1.36.4', jump: 'patch', why: /half-done/ },
    },
    {
      title: 'I05 finishes a half-done minor without asking any source',
      facts: {
        apiServer: known('1.37.1'),
        nodes: known([exampleNode('cp-1', { kubelet: '1.37.1' }), exampleNode('worker-1')]),
        patchReleases: unknown('refused'),
        nextMinorReleases: unknown('refused'),
      },
      want: { kind: 'target', version: '1.37.1', jump: 'minor' },
    },
    {
      title: 'D19 finishes a control plane of which one API server is behind',
      facts: {
        apiServer: known('1.36.3'),
        nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('cp-2')]),
      },
      want: { kind: 'target', version: '1.36.4' },
    },
    {
      title: 'does not go on to a half-done version that is on the skip list',
      facts: {
        apiServer: known('1.36.4'),
        nodes: known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('worker-1')]),
      },
      policy: { skip: ['1.36.4'] },
      want: { kind: 'none', why: /half-done between 1\.36\.3 and 1\.36\.4/ },
    },
  ];
  it.each(rows)('$title', (row) => {
    const choice = chooseTarget(exampleFacts(row.facts), { ...policy, ...row.policy });
    expect({ ...choice, why: '' }).toMatchObject({ kind: row.want.kind, ...pickDefined(row.want) });
    expect(choice.why).toMatch(row.want.why ?? /./);
  });

  it('is always strictly newer than the running version and at most the next minor', () => {
    const versionOf = (minor: number) => fc.integer({ min: 0, max: 12 }).map((patch) => `1.${minor}.${patch}`);
    const any = fc.oneof(versionOf(35), versionOf(36), versionOf(37), versionOf(38));
    fc.assert(
      fc.property(
        fc.array(any, { maxLength: 6 }),
        fc.array(any, { maxLength: 6 }),
        versionOf(36),
        (apt, feed, running) => {
          const facts = exampleFacts(
            {
              patchReleases: known({ minor: '1.36', source: 'apt', versions: apt }),
              nextMinorReleases: known({ minor: '1.37', source: 'feed', versions: feed }),
            },
            running,
          );
          const choice = chooseTarget(facts, policy);
          if (choice.kind !== 'target') return;
          expect(compareVersions(choice.version, running)).toBeGreaterThan(0);
          expect(jumpBetween(running, choice.version)).toBe(choice.jump);
          expect([...apt, ...feed]).toContain(choice.version);
          const newerPatches = apt.filter((v) => minorOf(v) === '1.36' && compareVersions(v, running) > 0);
          expect(choice.jump === 'minor' && newerPatches.length > 0).toBe(false);
        },
      ),
    );
  });
});

function pickDefined(want: { version?: string; jump?: string }): object {
  return {
    ...(want.version === undefined ? {} : { version: want.version }),
    ...(want.jump === undefined ? {} : { jump: want.jump }),
  };
}
