import { describe, expect, it } from 'vitest';
import type { JobFact } from '../facts/facts.ts';
import { decideJob } from './ensure-job.ts';

function job(status: JobFact['status']): JobFact {
  return {
    name: 'k8s-upgrade-worker-1-36-4-w1',
    phase: 'worker',
    target: '1.36.4',
    node: 'w1',
    runner: 'cp1',
    status,
    reason: '',
    createdAt: '2026-11-20T23:00:00Z',
    finishedAt: null,
  };
}

describe('decideJob', () => {
  it.each([
    { title: 'creates a Job that is not there', existing: undefined, reached: false, decision: 'create' },
    { title: 'leaves an active Job alone', existing: job('active'), reached: false, decision: 'leave' },
    { title: 'I08 replaces a failed Job', existing: job('failed'), reached: false, decision: 'replace-failed' },
    {
      title: 'I08 replaces a failed Job even when the cluster is where it should be',
      existing: job('failed'),
      reached: true,
      decision: 'replace-failed',
    },
    {
      title: 'leaves a complete Job that reached what it should',
      existing: job('complete'),
      reached: true,
      decision: 'leave',
    },
    {
      title: 'D20 trusts the node and not a complete Job',
      existing: job('complete'),
      reached: false,
      decision: 'replace-stale',
    },
    {
      title: 'waits for a Job that is being deleted and makes a new one',
      existing: job('deleting'),
      reached: false,
      decision: 'replace-stale',
    },
  ])('$title', ({ existing, reached, decision }) => {
    expect(decideJob(existing, reached)).toBe(decision);
  });
});
