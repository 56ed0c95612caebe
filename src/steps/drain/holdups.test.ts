import { describe, expect, it } from 'vitest';
import { examplePod } from '../../cluster/example-pod.ts';
import { type Holdup, holdupAfter, progressText, stuckSince } from './holdups.ts';

const NOW = Date.parse('2026-11-21T23:00:00Z');
const pod = examplePod('web');
const blocked = { kind: 'blocked', budget: 'keep', message: 'no', retryAfterMs: 10_000 } as const;
const busy = { kind: 'busy', message: 'slow down', retryAfterMs: 30_000 } as const;
const impossible = { kind: 'impossible', message: 'two' } as const;
const held = (fields: Partial<Holdup> = {}): Holdup => ({
  pod,
  kind: 'blocked',
  budget: 'keep',
  message: 'no',
  sinceMs: NOW - 60_000,
  againMs: NOW,
  note: undefined,
  ...fields,
});

describe('holdupAfter', () => {
  it.each([{ kind: 'accepted' }, { kind: 'gone' }] as const)('ends with $kind', (result) => {
    expect(holdupAfter(held(), pod, result, NOW)).toBeUndefined();
  });

  it.each([
    ['a budget', blocked, { kind: 'blocked', budget: 'keep', message: 'no', againMs: NOW + 10_000 }],
    ['a busy server', busy, { kind: 'busy', budget: null, message: 'slow down', againMs: NOW + 30_000 }],
    ['two budgets', impossible, { kind: 'impossible', budget: null, message: 'two', againMs: NOW }],
  ] as const)('begins now with the answer of %s', (_title, result, want) => {
    expect(holdupAfter(undefined, pod, result, NOW)).toEqual({ pod, sinceMs: NOW, note: undefined, ...want });
  });

  it.each([
    ['the same budget again', held(), blocked, NOW - 60_000],
    ['a second budget on the pod', held(), impossible, NOW - 60_000],
    ['the budget that was one of two', held({ kind: 'impossible', budget: null }), blocked, NOW - 60_000],
    ['a server that is busy still', held({ kind: 'busy', budget: null }), busy, NOW - 60_000],
    ['a budget after a busy server', held({ kind: 'busy', budget: null }), blocked, NOW],
    ['two budgets after a busy server', held({ kind: 'busy', budget: null }), impossible, NOW],
  ])('keeps its beginning only for what held the pod before: %s', (_title, before, result, sinceMs) => {
    expect(holdupAfter(before, pod, result, NOW)).toMatchObject({ kind: result.kind, sinceMs });
  });

  it.each(['blocked', 'impossible'] as const)('outlasts a busy server, which says nothing of a budget: %s', (kind) => {
    const before = held({ kind, note: 'restarted' });
    expect(holdupAfter(before, pod, busy, NOW)).toEqual({ ...before, againMs: NOW + 30_000 });
  });

  it('keeps what a policy did about it, and takes the newer words of the server', () => {
    const result = { ...blocked, budget: 'other', message: 'still no' };
    expect(holdupAfter(held({ note: 'restarted' }), pod, result, NOW)).toMatchObject({
      budget: 'other',
      message: 'still no',
      note: 'restarted',
    });
  });

  it.each([
    ['a budget from when the journal says', blocked, '2026-11-21T22:00:00Z', NOW - 3_600_000],
    ['two budgets from when the journal says', impossible, '2026-11-21T22:00:00Z', NOW - 3_600_000],
    ['a budget from now, when the journal is ahead of the clock', blocked, '2026-11-22T00:00:00Z', NOW],
    ['a busy server from now, whatever the journal says', busy, '2026-11-21T22:00:00Z', NOW],
  ] as const)('counts %s', (_title, result, written, sinceMs) => {
    expect(holdupAfter(undefined, pod, result, NOW, written)).toMatchObject({ sinceMs });
  });
});

describe('stuckSince', () => {
  const leaving = examplePod('web', { deleting: true, goneBy: '2026-11-21T22:59:00Z', terminationGraceSeconds: 7 });
  it.each([
    ['nothing of a pod that nobody has deleted', pod, NOW, undefined],
    ['nothing within a minute of the end of its grace period', leaving, NOW - 1, undefined],
    [
      'when it should have been gone, from then on',
      leaving,
      NOW,
      'should have been gone at 2026-11-21 22:59:00 UTC (grace 7 s) and is still terminating',
    ],
  ])('says %s', (_title, one, now, want) => {
    expect(stuckSince(one, now)).toBe(want);
  });
});

describe('progressText', () => {
  const text = (pods: readonly (typeof pod)[], holdups: readonly Holdup[]): string =>
    progressText(pods, 12, new Map(holdups.map((one) => [one.pod.uid, one])), NOW);

  it('counts those that nothing holds, and names none', () => {
    expect(text([pod, examplePod('b')], [])).toBe('2 of 12 pods are still there');
  });

  it.each([
    [held(), 'apps/web is held by budget apps/keep since 22:59:00 UTC (no)'],
    [held({ budget: null, note: 'told' }), 'apps/web is held by its budget since 22:59:00 UTC (no), told'],
    [
      held({ kind: 'busy', budget: null, message: 'slow' }),
      'apps/web waits for the API server since 22:59:00 UTC (slow)',
    ],
  ])('names what holds a pod', (holdup, want) => {
    expect(text([pod, examplePod('b')], [holdup])).toBe(`2 of 12 pods are still there; ${want}`);
  });

  it('names a pod that does not go, and no pod twice', () => {
    const stuck = examplePod('web', { goneBy: '2026-11-21T22:00:00Z' });
    const sentence = 'should have been gone at 2026-11-21 22:00:00 UTC (grace 30 s) and is still terminating';
    expect(text([stuck], [])).toBe(`1 of 12 pods are still there; apps/web ${sentence}`);
    expect(text([stuck], [held()])).not.toContain('should have been gone');
  });

  it.each([
    [10, []],
    [11, ['1 more are held']],
    [12, ['2 more are held']],
  ])('names ten of %i that are held', (count, more) => {
    const pods = Array.from({ length: count }, (_, index) => examplePod(`p${index}`));
    const parts = text(
      pods,
      pods.map((one) => held({ pod: one })),
    ).split('; ');
    expect(parts.slice(11)).toEqual(more);
    expect(parts.slice(1, 11).map((part) => part.split(' ')[0])).toEqual(
      pods.slice(0, 10).map((p) => `apps/${p.name}`),
    );
  });
});
