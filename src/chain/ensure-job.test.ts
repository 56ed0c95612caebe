import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleJob, exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import type { JobFact } from '../facts/facts.ts';
import { decideJob, ensureJob } from './ensure-job.ts';
import { Refused } from './outcome.ts';
import type { Step } from './step.ts';

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

describe('ensureJob', () => {
  const WORKER: Step = { phase: 'worker', node: 'w1' };
  const NAME = 'k8s-upgrade-worker-1-36-4-w1';

  function bench(options: WorldOptions = {}) {
    const world = exampleWorld({ nodes: [controlPlane('cp1', TARGET), worker('w1'), worker('w2')], ...options });
    const { signal } = new AbortController();
    const ensure = (step: Step, reached = false) =>
      ensureJob(world.deps, { step, target: TARGET, nodes: world.nodes, reached, signal });
    const pod = () => (world.seen.created[0]?.spec['template'] as { spec: object } | undefined)?.spec;
    return { world, ensure, pod };
  }

  it('makes the Job that is not there, on the node that can run it', async () => {
    const { world, ensure, pod } = bench();
    expect(await ensure(WORKER)).toEqual({ name: NAME, decision: 'create' });
    expect(world.seen.changes).toEqual([`create ${NAME}`]);
    expect(JSON.stringify(pod())).toContain('"values":["cp1"]');
    expect(pod()).toMatchObject({ containers: [{ image: 'nightlift:test' }] });
  });

  it("names the first control plane's Job without its node, and pins postflight to none", async () => {
    const { ensure, pod } = bench();
    expect(await ensure({ phase: 'postflight' })).toEqual({
      name: 'k8s-upgrade-postflight-1-36-4',
      decision: 'create',
    });
    expect(pod()).not.toHaveProperty('affinity');
    expect((await ensure({ phase: 'master', node: 'cp1' })).name).toBe('k8s-upgrade-master-1-36-4');
  });

  it.each<[string, JobFact['status'], boolean, string, string[], string[]]>([
    ['leaves the Job that runs alone', 'active', false, 'leave', [], []],
    ['leaves a Job alone that has done its work', 'complete', true, 'leave', [], []],
    [
      'D20 replaces a complete one when the cluster is not there',
      'complete',
      false,
      'replace-stale',
      ['delete', 'create'],
      ['info'],
    ],
    ['I08 replaces a failed one, with a warning', 'failed', false, 'replace-failed', ['delete', 'create'], ['warn']],
  ])('%s', async (_, status, reached, decision, verbs, levels) => {
    const { world, ensure } = bench();
    world.jobs.set(NAME, exampleJob(NAME, { status }));
    expect(await ensure(WORKER, reached)).toEqual({ name: NAME, decision });
    expect(world.seen.changes).toEqual(verbs.map((verb) => `${verb} ${NAME}`));
    expect(world.seen.log.filter(({ message }) => message.startsWith('replacing'))).toEqual(
      levels.map((level) => ({
        level,
        message: 'replacing a Job of an earlier run',
        fields: { job: NAME, because: decision },
      })),
    );
  });

  it('deletes only the very Job that it has looked at, not one that somebody else has made by now', async () => {
    const deleted: unknown[] = [];
    const { world, ensure } = bench({
      cluster: {
        deleteJob: async (name, _signal, namespace, createdAt) => void deleted.push(name, namespace, createdAt),
      },
    });
    world.jobs.set(NAME, exampleJob(NAME, { status: 'failed', createdAt: '2026-11-20T23:00:00Z' }));
    // The other one is still there when ours is to be made.
    expect(await ensure(WORKER)).toEqual({ name: NAME, decision: 'replace-failed' });
    expect(deleted).toEqual([NAME, undefined, '2026-11-20T23:00:00Z']);
    expect(world.seen.created).toEqual([]);
  });

  it('I20 refuses when no node can run it, with the reason of every node, and deletes nothing', async () => {
    const { world, ensure } = bench({
      nodes: [controlPlane('cp1', TARGET, { ready: 'no' }), worker('w1'), worker('w2', OLD, { schedulable: false })],
    });
    world.jobs.set(NAME, exampleJob(NAME, { status: 'failed' }));
    const error: unknown = await ensure(WORKER).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).findings).toEqual([
      {
        check: 'placement',
        reason: 'NoNodeForJob',
        class: 'actionable',
        severity: 'block',
        message:
          'No node can run the Job of worker w1: cp1: it is not Ready; w1: it is the node that is drained; w2: it is cordoned',
        remedy:
          'Uncordon a node, remove its taint, or add a node; a Job never runs on the node that it drains. For a patch, drain.mode: patch-without upgrades such a node without draining it.',
      },
    ]);
    expect(world.seen.changes).toEqual([]);
  });

  it("runs the detector's image without a setting", async () => {
    const asked: string[] = [];
    const { ensure, pod } = bench({
      settings: { namespace: 'upgrades', job: { image: '' } },
      cluster: {
        cronJob: async (namespace, name) => {
          asked.push(`${namespace}/${name}`);
          return { uid: 'u', program: 'p', suspended: false, image: 'nightlift:of-the-detector' };
        },
      },
    });
    await ensure(WORKER);
    expect(pod()).toMatchObject({ containers: [{ image: 'nightlift:of-the-detector' }] });
    expect(asked).toEqual(['upgrades/k8s-version-check']);
  });

  it('fails without any image, before it deletes a Job', async () => {
    const { world, ensure } = bench({ settings: { job: { image: '' } } });
    world.jobs.set(NAME, exampleJob(NAME, { status: 'failed' }));
    await expect(ensure(WORKER)).rejects.toMatchObject({
      kind: 'config',
      message:
        "choosing the image of the chain's Jobs: there is neither the setting job.image nor a CronJob k8s-upgrade/k8s-version-check",
      remedy: 'Install the CronJob (deploy/ or terraform/), or set job.image.',
    });
    expect(world.seen.changes).toEqual([]);
  });
});
