import { describe, expect, it } from 'vitest';
import { exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import { NightliftError } from '../errors.ts';
import type { Finding } from '../gate/finding.ts';
import { isNewBlock, lookOf, nightlyLook } from './nightly-look.ts';

const STATE = 'k8s-upgrade/k8s-upgrade-state';
const signal = new AbortController().signal;
const recorded = (world: ReturnType<typeof exampleWorld>): unknown =>
  JSON.parse(world.configMaps.get(STATE)?.['last-look'] ?? 'null');

describe('a block that is said at once', () => {
  const finding = (reason: string, kind: Finding['class']): Finding => ({
    check: 'a',
    reason,
    class: kind,
    severity: 'block',
    message: 'm',
  });
  const refused = (...findings: Finding[]) =>
    ({ kind: 'refused', target: '1.36.4', verdict: 'blocked', findings }) as const;
  const before = (...findings: Finding[]) => ({ at: '2026-11-20T23:00:00Z', ...lookOf(refused(...findings)) });

  it.each([
    ['is new on the first night', refused(finding('Old', 'actionable')), null, true],
    ['is known the next night', refused(finding('Old', 'actionable')), before(finding('Old', 'actionable')), false],
    [
      'is new beside one that is known',
      refused(finding('Old', 'actionable'), finding('New', 'actionable')),
      before(finding('Old', 'actionable')),
      true,
    ],
    [
      'is new for another version',
      refused(finding('Old', 'actionable')),
      { ...before(finding('Old', 'actionable')), target: '1.36.3' },
      true,
    ],
    ['I19 wakes nobody for what has to be waited for', refused(finding('Waiting', 'waiting')), null, false],
    ['is none when nothing was refused', { kind: 'dry-run', target: '1.36.4' } as const, null, false],
  ])('%s', (_, detection, last, isNew) => {
    expect(isNewBlock(detection, last)).toBe(isNew);
  });
});

describe('the record of the last look', () => {
  it('says what it came to, with its time, and leaves what else is remembered', async () => {
    const world = exampleWorld({ settings: { window: { start: '01:00', end: '02:00' } } });
    world.configMaps.set(STATE, { 'first-seen': '{}' });
    expect(await nightlyLook(world.deps, signal)).toMatchObject({ kind: 'paused' });
    expect(recorded(world)).toEqual({
      at: '2026-11-21T23:00:00.000Z',
      outcome: 'paused',
      target: null,
      reason: 'it is 23:00 UTC, outside the window 01:00 to 02:00 UTC; it opens Sun 2026-11-22 01:00 UTC',
      verdict: null,
      findings: [],
    });
    expect(world.configMaps.get(STATE)?.['first-seen']).toBe('{}');
  });

  it('says that it failed, and fails', async () => {
    const failing: WorldOptions = {
      cluster: { jobs: () => Promise.reject(new NightliftError('cluster', `listing: ${'x'.repeat(600)}`)) },
    };
    const world = exampleWorld(failing);
    await expect(nightlyLook(world.deps, signal)).rejects.toThrow('listing: xxx');
    expect(recorded(world)).toMatchObject({ outcome: 'failed', reason: `listing: ${'x'.repeat(491)}…` });
  });

  it('never changes how the look ends', async () => {
    const world = exampleWorld({
      settings: { window: { start: '01:00', end: '02:00' } },
      cluster: { writeConfigMap: () => Promise.reject(new Error('403 Forbidden')) },
    });
    expect(await nightlyLook(world.deps, signal)).toMatchObject({ kind: 'paused' });
    expect(world.seen.log.at(-1)).toEqual({
      level: 'warn',
      message: 'what the look came to could not be recorded',
      fields: { error: '403 Forbidden' },
    });
  });

  it('names what a refusal was for, each once', () => {
    const finding: Finding = { check: 'b', reason: 'Old', class: 'waiting', severity: 'block', message: 'm' };
    const findings = [finding, { ...finding, message: 'n' }, { ...finding, check: 'a' }];
    expect(lookOf({ kind: 'refused', target: '1.36.4', verdict: 'held', findings })).toEqual({
      outcome: 'refused',
      target: '1.36.4',
      reason: '',
      verdict: 'held',
      findings: ['a/Old', 'b/Old'],
    });
    expect(lookOf({ kind: 'started', target: '1.36.4', job: 'j' })).toMatchObject({
      outcome: 'started',
      target: '1.36.4',
    });
  });
});
