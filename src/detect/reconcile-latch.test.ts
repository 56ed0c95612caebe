import { describe, expect, it } from 'vitest';
import { openDrainBench } from '../../test/support/drain-test-bench.ts';
import { exampleJob, exampleWorld } from '../../test/support/example-deps.ts';
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

describe('the record of a run', () => {
  const RUN = 'nightlift/k8s-upgrade-';
  const signal = new AbortController().signal;
  const recorded = (record: Readonly<Record<string, string>>, fields: Parameters<typeof exampleWorld>[0] = {}) => {
    const world = exampleWorld(fields);
    for (const [key, value] of Object.entries(record)) world.annotations.set(`${RUN}${key}`, value);
    return world;
  };
  const failed = exampleJob('k8s-upgrade-worker-1-36-4', { status: 'failed' });
  const active = exampleJob('k8s-upgrade-worker-1-36-4', { status: 'active' });
  // The example world begins on 2026-11-21 at 23:00.
  const YOUNG = '2026-11-21T11:00:00Z';
  const OLD = '2026-11-21T10:59:59Z';

  it.each([
    { title: 'waits', startedAt: YOUNG, jobs: [failed], latch: 'waiting' },
    { title: 'is live', startedAt: OLD, jobs: [failed, active], latch: 'live' },
    { title: 'is none', startedAt: undefined, jobs: [failed], latch: 'none' },
  ])('stays, with its Jobs, while it $title', async ({ startedAt, jobs, latch }) => {
    const world = recorded({ target: '1.36.4', ...(startedAt === undefined ? {} : { 'in-flight': startedAt }) });
    const before = [...world.annotations];
    expect(await reconcileLatch(world.deps, jobs, signal)).toEqual({ latch, target: '1.36.4', jobs });
    expect([...world.annotations]).toEqual(before);
    expect(world.seen.changes).toEqual([]);
    expect(world.seen.gauges.size).toBe(0);
  });

  it('I21 is cleared with its Jobs when it leaked, and its alerts end', async () => {
    const done = exampleJob('k8s-upgrade-master-1-36-4', { status: 'complete' });
    const world = recorded({ target: '1.36.4', 'in-flight': OLD, stopped: 'failed', 'stopped-at': OLD });
    world.annotations.set('other', 'stays');
    expect(await reconcileLatch(world.deps, [done, failed], signal)).toEqual({
      latch: 'leaked',
      target: undefined,
      jobs: [],
    });
    expect(world.seen.changes).toEqual([`delete ${done.name}`, `delete ${failed.name}`]);
    expect([...world.annotations]).toEqual([['other', 'stays']]);
    expect(world.seen.log).toEqual([
      {
        level: 'warn',
        message: 'clearing the record of a run that ended without clearing it',
        fields: { target: '1.36.4', started: OLD },
      },
    ]);
    expect(Object.fromEntries(world.seen.gauges)).toEqual({
      k8s_upgrade_in_flight: 0,
      k8s_upgrade_started_timestamp: 0,
      k8s_upgrade_snapshot_taken: 0,
      k8s_upgrade_paused: 0,
      k8s_upgrade_blocked: 0,
      k8s_upgrade_held: 0,
      k8s_upgrade_findings: 0,
    });
  });

  const locked = { 'kured-lock': '{"namespace":"kube-system","daemonSet":"kured","annotation":"lock"}' };
  const refused = { cluster: { rebootLock: () => Promise.reject(new Error('forbidden')) } };

  it("stops no night when kured's lock cannot be given back", async () => {
    const world = recorded({ ...locked, target: '1.36.4', 'in-flight': OLD }, refused);
    expect(await reconcileLatch(world.deps, [], signal)).toMatchObject({ latch: 'leaked' });
    expect(world.seen.log).toContainEqual({
      level: 'warn',
      message: "kured's lock could not be given back; it ends by itself",
      fields: { error: 'forbidden' },
    });
    expect([...world.annotations.keys()]).toEqual([`${RUN}kured-lock`]);
  });

  it.each([
    { title: 'is given back when the run has no Job any more', jobs: [], left: false },
    { title: 'is given back when its Jobs have ended', jobs: [failed], left: false },
    { title: 'stays while one of its Jobs is at work', jobs: [failed, active], left: true },
  ])("I21 of a run that is not in flight: kured's lock $title", async ({ jobs, left }) => {
    // Without a DaemonSet there is nothing to write, and the record of the lock alone is taken away.
    const world = recorded(locked);
    await reconcileLatch(world.deps, jobs, signal);
    expect(world.annotations.has(`${RUN}kured-lock`)).toBe(left);
  });

  it("does not ask for kured's lock when the run has not taken it", async () => {
    const world = recorded({}, refused);
    expect(await reconcileLatch(world.deps, [], signal)).toMatchObject({ latch: 'none' });
    expect(world.seen.log).toEqual([]);
  });
});
