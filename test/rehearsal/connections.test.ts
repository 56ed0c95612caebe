import { copyFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { CURRENT, logOf, NIGHT_MS, PATCH, useNights } from './nights.ts';

const nights = useNights();

/** How often each node was connected to in a night, and what the night came to. */
async function connections(cluster: EmbeddedCluster) {
  const night = await runNight(cluster);
  return { night, made: cluster.nodes.connectionsMade() };
}

describe.concurrent('connections to nodes in a night', { timeout: NIGHT_MS }, () => {
  it('are one, to one control plane, where there is nothing to do', async () => {
    await nights.cluster({ ...CURRENT, controlPlanes: 2 }, async (cluster) => {
      const { night, made } = await connections(cluster);
      expect(night.outcome, logOf(cluster)).toBe('nothing');
      expect(made).toEqual({ 'control-1': 1, 'control-2': 0, 'worker-1': 0 });
    });
  });

  it('are one to each where the nightly look refuses: what it looks up and what nodes say goes over the same', async () => {
    await nights.cluster(PATCH, async (cluster) => {
      const { machine } = cluster.nodes.node('control-1');
      const manifest = machine.path('/etc/kubernetes/manifests/etcd.yaml');
      copyFileSync(manifest, `${manifest}.backup`);
      const { night, made } = await connections(cluster);
      expect(night.outcome, logOf(cluster)).toBe('blocked');
      expect(made).toEqual({ 'control-1': 1, 'worker-1': 1, 'worker-2': 1 });
    });
  });

  it('are one of each pod that has to do with the node: the nightly look, preflight, and the step of its own', async () => {
    await nights.cluster(PATCH, async (cluster) => {
      const { night, made } = await connections(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect(made).toEqual({ 'control-1': 3, 'worker-1': 3, 'worker-2': 3 });
    });
  });
});
