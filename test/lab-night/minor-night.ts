import { expect } from 'vitest';
import { STOCK_IMAGE } from '../../src/install/bundle.ts';
import { readJobs, readPods } from './cluster-objects.ts';
import { imageOf, tagOf } from './images.ts';
import { runNight } from './night.ts';
import { sudoOnNode } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

const target = '1.37.1';

export const minorNight: Scenario = {
  name: 'minor',
  title:
    'the next minor, with a new etcd, by the install that needs no image of ours: sources and nodes are on it in the morning',
  ci: true,
  seconds: 340,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.4', newestPatch: true, install: 'no-image' },
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
    expect(await imagesOfProduct(scene)).toEqual([STOCK_IMAGE]);
    return { ...result, summary: `${result.summary}, etcd ${tagOf(etcdBefore)} → ${tagOf(etcd)}, ${STOCK_IMAGE}` };
  },
};

/** Of every Job of this night, and of the pods that the drains have left. */
async function imagesOfProduct({ api, startedAt }: Scene): Promise<readonly string[]> {
  const jobs = (await readJobs(api)).filter(({ createdAt }) => createdAt >= startedAt - 1000);
  expect(jobs.map(({ chain }) => chain)).toContain(true);
  const pods = (await readPods(api, 'k8s-upgrade')).filter(
    ({ metadata }) => Date.parse(metadata.creationTimestamp) >= startedAt - 1000,
  );
  expect(pods).not.toEqual([]);
  return [
    ...new Set([
      ...jobs.map(({ image }) => image),
      ...pods.flatMap(({ spec }) => spec.containers.map(({ image }) => image)),
    ]),
  ];
}
