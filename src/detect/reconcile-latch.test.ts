import { describe, expect, it } from 'vitest';
import { openDrainBench } from '../../test/support/drain-test-bench.ts';
import type { JobFact } from '../facts/facts.ts';
import { daemonSets, namespaces } from '../rehearsal/api/resources.ts';
import { takeRebootLock } from '../steps/locks/reboot-lock.ts';
import { judgeLatch, reconcileLatch } from './reconcile-latch.ts';

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

describe("I21 kured's lock that a run left behind", { timeout: 30_000 }, () => {
  const KEY = 'weave.works/kured-node-lock';
  it.each([
    { title: 'is given back when no Job is active', jobs: [job('failed')], started: undefined, left: false },
    { title: 'is given back with a leaked latch', jobs: [], started: '2026-01-01T00:00:00Z', left: false },
    { title: 'stays with a Job at work', jobs: [job('active')], started: undefined, left: true },
    { title: 'stays with a run that waits for its next Job', jobs: [job('failed')], started: 'now', left: true },
  ])('$title', async ({ jobs, started, left }) => {
    const bench = await openDrainBench({ settings: { kured: { takeLock: true } } });
    try {
      const { server } = bench;
      server.store.create(namespaces, { metadata: { name: 'k8s-upgrade' }, spec: {} });
      server.store.create(daemonSets, {
        metadata: { name: 'kured', namespace: 'kube-system' },
        spec: {
          selector: { matchLabels: { name: 'kured' } },
          template: {
            metadata: { labels: { name: 'kured' } },
            spec: { containers: [{ name: 'kured', image: 'kured' }] },
          },
        },
      });
      expect(await bench.run(takeRebootLock)).toBeUndefined();
      const { deps, signal } = bench.context();
      if (started !== undefined) {
        const at = started === 'now' ? deps.clock.now().toISOString() : started;
        await deps.cluster.annotateNamespace('k8s-upgrade', { 'nightlift/k8s-upgrade-in-flight': at }, signal);
      }
      const metrics = { push: () => Promise.resolve() };
      const cluster = { ...deps.cluster, deleteJob: () => Promise.resolve() };
      await reconcileLatch({ ...deps, cluster, metrics } as unknown as typeof deps, jobs, signal);
      const lock = server.store.read(daemonSets, 'kured', 'kube-system').metadata.annotations?.[KEY];
      expect(lock !== undefined).toBe(left);
    } finally {
      await bench.close();
    }
  });
});
