import { describe, expect, it } from 'vitest';
import { nodes } from '../../../src/rehearsal/api/resources.ts';
import { runNight } from '../../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, PATCH, useNights, versionsOf } from '../nights.ts';

const nights = useNights();
const ONE = { ...PATCH, workers: 0 };
const WITHOUT = { settings: { drain: { mode: 'patch-without' } } };
const ofJobs = (lines: string): RegExpMatchArray | null => lines.match(/skipping (headroom|evictable|replacements)/g);

describe.concurrent('a cluster of one node', { timeout: NIGHT_MS }, () => {
  it('one-node: its Job runs on it, is killed while kubeadm runs, and goes on', async () => {
    const { night, differences } = await nights.scenario('one-node');
    expect(differences).toEqual([]);
    expect(night.jobs.filter(({ node }) => node !== null)).toMatchObject([{ node: 'control-1', runner: 'control-1' }]);
    expect(night.jobs.every(({ status }) => status === 'complete')).toBe(true);
  });

  it('I20 is refused in the detection without the setting, and nothing is begun', async () => {
    await nights.cluster(ONE, async (cluster) => {
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('blocked');
      expect(night.refusals.map(({ reason }) => reason)).toContain('NoNodeForJob');
      expect(night.slack).toMatch(/BLOCKED[^]*No node can run the Job of master control-1/);
      expect(night.jobs.filter(({ phase }) => phase === 'preflight')).toEqual([]);
      expect(cluster.nodes.commands.matching(/^(kubeadm upgrade|etcdutl)/)).toEqual([]);
    });
  });

  it('I20 is refused for a minor with the setting', async () => {
    await nights.cluster(
      { ...ONE, version: '1.35.8' },
      async (cluster) => {
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('blocked');
        expect(night.refusals.map(({ reason }) => reason)).toContain('NoNodeForJob');
        expect(versionsOf(night)['control-1']).toBe('1.35.8');
      },
      WITHOUT,
    );
  });
});

describe.concurrent('a patch without drains', { timeout: NIGHT_MS }, () => {
  it('I01 cordons each node, evicts no pod, and keeps its Jobs on other nodes', async () => {
    await nights.cluster(
      PATCH,
      async (cluster) => {
        const cordoned = new Set<string>();
        const stop = cluster.server.store.subscribe(({ resource, object }) => {
          const { metadata, spec } = object as { metadata: { name: string }; spec?: { unschedulable?: boolean } };
          if (resource === nodes && spec?.unschedulable === true) cordoned.add(metadata.name);
        });
        const night = await runNight(cluster);
        stop();
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect([...cordoned].toSorted()).toEqual(['control-1', 'worker-1', 'worker-2']);
        expect(cluster.server.requests.writes.filter(({ path }) => path.endsWith('/eviction'))).toEqual([]);
        for (const { node, runner } of night.jobs.filter((job) => job.node !== null)) expect(runner).not.toBe(node);
        const said = cluster.logs.lines().map(({ message }) => message);
        // The last one of the control plane may follow a containerd that was raised.
        expect(ofJobs(said.join('\n'))?.length).toBe(8);
        expect(night.slack).toMatch(/Nodes were not drained \(drain\.mode is patch-without\)/);
      },
      WITHOUT,
    );
  });
});
