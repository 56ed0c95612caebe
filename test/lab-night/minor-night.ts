import { expect } from 'vitest';
import { imageOf, tagOf } from './images.ts';
import { runNight } from './night.ts';
import { sudoOnNode } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';

const target = '1.37.1';

export const minorNight: Scenario = {
  name: 'minor',
  title: 'the next minor, with a new etcd: package sources, control plane and nodes are on it in the morning',
  ci: true,
  seconds: 340,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.4', newestPatch: true },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const [etcdBefore, dnsBefore] = [await imageOf(scene, 'etcd'), await imageOf(scene, 'coredns')];
    const night = await runNight(scene);
    const result = await expectUpgraded(scene, night, from, target);
    const etcd = await imageOf(scene, 'etcd');
    expect(etcd).not.toBe(etcdBefore);
    // CoreDNS is the cluster's, not ours.
    expect(await imageOf(scene, 'coredns')).toBe(dnsBefore);
    for (const node of scene.lab.nodes)
      expect(await sudoOnNode(scene.lab, node, 'cat /etc/apt/sources.list.d/kubernetes.list')).toContain('/v1.37/deb');
    return { ...result, summary: `${result.summary}, etcd ${tagOf(etcdBefore)} → ${tagOf(etcd)}` };
  },
};
