import { expect } from 'vitest';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';
import { watchEndpoint } from './watch-endpoint.ts';

export const haNight: Scenario = {
  name: 'ha',
  title: 'three control planes, one after the other: who asks the endpoint five times a second gets every answer',
  ci: true,
  cluster: { controlPlanes: 3, workers: 1, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const watch = await watchEndpoint(scene.lab.kubeconfig);
    const night = await runNight(scene, 35);
    const { asked, retried, failed } = await watch.stop();
    const result = await expectUpgraded(scene, night, from, to);
    const applied = [];
    for (const node of scene.lab.nodes) {
      const runs = (await readKubeadmRuns(scene.lab, node, night.startedAt)).filter(isUpgrade);
      applied.push(
        ...runs.map((run) => `${node.name}: ${run.arguments.split(' ')[1] ?? ''} ${run.exitCode ?? 'killed'}`),
      );
    }
    expect(applied).toEqual(['cp1: apply 0', 'cp2: node 0', 'cp3: node 0', 'w1: node 0']);
    expect(asked).toBeGreaterThan(500);
    expect(failed).toEqual([]);
    return {
      ...result,
      summary: `${result.summary}, ${asked} requests, ${retried} asked again, ${failed.length} failed`,
    };
  },
};
