import { describe, expect, it } from 'vitest';

import { activityOf } from './activity.ts';

const line = (message: string, fields: Readonly<Record<string, unknown>>) =>
  activityOf({ pod: 'check-x', time: '2026-09-22T01:30:00Z', level: 'info', message, fields });

describe('what a demo shows of the log', () => {
  it('leaves out the limits, which say nothing without their values', () => {
    expect(line('limits', { dryRun: 'false', window: 'none' })).toBeUndefined();
  });

  it('says who is at what, and what is still missing', () => {
    expect(line('waiting', { node: 'worker-a', missing: 'the node is ready' })).toBe(
      'worker-a: waiting: the node is ready',
    );
  });
});
