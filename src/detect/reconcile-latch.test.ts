import { describe, expect, it } from 'vitest';
import type { JobFact } from '../facts/facts.ts';
import { judgeLatch } from './reconcile-latch.ts';

const NOW = new Date('2026-11-20T23:00:00Z');

function job(status: JobFact['status']): JobFact {
  return {
    name: 'j',
    phase: 'worker',
    target: '1.36.4',
    node: null,
    runner: null,
    status,
    reason: '',
    createdAt: '2026-11-19T23:00:00Z',
    finishedAt: null,
  };
}

describe('judgeLatch', () => {
  it.each([
    { title: 'nothing is recorded', started: undefined, jobs: [job('failed')], state: 'none' },
    {
      title: 'I21 an active Job makes it true, however old',
      started: '2026-11-01T00:00:00Z',
      jobs: [job('failed'), job('active')],
      state: 'live',
    },
    {
      title: 'I21 no active Job and older than twelve hours: leaked',
      started: '2026-11-20T10:59:59Z',
      jobs: [job('failed'), job('complete')],
      state: 'leaked',
    },
    { title: 'I21 exactly twelve hours: not yet', started: '2026-11-20T11:00:00Z', jobs: [], state: 'waiting' },
    { title: 'between two Jobs: not yet', started: '2026-11-20T22:59:00Z', jobs: [job('complete')], state: 'waiting' },
    { title: 'I10 a start that cannot be read: leaked', started: 'yesterday', jobs: [], state: 'leaked' },
    { title: 'I10 an empty start: leaked', started: '', jobs: [job('deleting')], state: 'leaked' },
    { title: 'a clock that is ahead: not yet', started: '2026-11-21T23:00:00Z', jobs: [], state: 'waiting' },
  ])('$title', ({ started, jobs, state }) => {
    expect(judgeLatch(started, jobs, NOW)).toBe(state);
  });
});
