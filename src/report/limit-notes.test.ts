import { describe, expect, it } from 'vitest';
import { hoursBefore } from '../../test/support/example-night.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import { bold } from '../notify/slack-message.ts';
import { known, unknown } from '../observed.ts';
import { limitNotes } from './limit-notes.ts';

const LIVE = { dryRun: 'false', window: 'none' };
const DRY = { dryRun: 'true', window: 'start=23:00 end=05:00' };
const AFTER = ['• dryRun: true → false', '• window: start=23:00 end=05:00 → none'];

const notes = (limits: Parameters<typeof limitNotes>[0]['limits'], now = LIVE) =>
  limitNotes(exampleFacts({ limits }), now, 26).filter((section) => section.length > 0);
const recorded = (values: typeof LIVE, before: typeof LIVE | null, hours: number) =>
  known({ values, before, changedAt: hoursBefore(hours) });

describe('the limits in the report', () => {
  it('are told in the morning after the night that had others', () => {
    expect(notes(recorded(LIVE, DRY, 7))).toEqual([[[bold('Limits changed since the night before:')], ...AFTER]]);
    expect(notes(recorded(LIVE, DRY, 27))).toEqual([]);
  });

  it('are told when the next look will have others', () => {
    expect(notes(recorded(DRY, null, 300))).toEqual([
      [[bold('Limits changed after the last look, for the next one:')], ...AFTER],
    ]);
  });

  it('are not told while they are the same, nor before they were first recorded', () => {
    expect(notes(recorded(LIVE, null, 7))).toEqual([]);
    expect(notes(known(null))).toEqual([]);
  });

  it('are unknown when their record cannot be read', () => {
    expect(notes(unknown('it is not <JSON>'))).toEqual([['Limits of the last night: unknown (it is not <JSON>)']]);
  });
});
