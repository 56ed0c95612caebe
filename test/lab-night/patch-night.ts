import { expect } from 'vitest';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';
import { watchWorkload } from './workload.ts';

export const patchNight: Scenario = {
  name: 'patch',
  title: 'a patch release is found, and every node is on it in the morning; a budget holds a drain for a while',
  ci: true,
  seconds: 290,
  alone: true,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const watch = watchWorkload(scene.api);
    const night = await runNight(scene);
    const { fewest, looks } = await watch.stop();
    const result = await expectUpgraded(scene, night, from, to);
    expect(looks).toBeGreaterThan(20);
    expect(fewest).toBeGreaterThanOrEqual(2);
    expect(
      scene.logs.lines().some((line) => line.time >= night.startedAt && line.message === 'a pod that was held goes'),
    ).toBe(true);
    const scaled = scene.logs
      .lines()
      .filter((line) => line.time >= night.startedAt && /^scaled (to zero|back)$/.test(line.message));
    expect(scaled.map((line) => `${line.message}: ${String(line.fields['workload'])}`)).toEqual([
      'scaled to zero: Deployment default/operator',
      'scaled to zero: StatefulSet default/store',
      'scaled back: Deployment default/operator',
      'scaled back: StatefulSet default/store',
    ]);
    for (const node of scene.lab.nodes) {
      const runs = (await readKubeadmRuns(scene.lab, node, night.startedAt)).filter(isUpgrade);
      expect(runs.map((run) => run.exitCode)).toEqual([0]);
      expect(runs[0]?.arguments).toMatch(node.name === 'cp1' ? new RegExp(`^upgrade apply v${to} `) : /^upgrade node/);
    }
    const backups = scene.logs
      .lines()
      .filter((line) => line.time >= night.startedAt && line.message === 'etcd snapshot taken');
    expect(backups.map((line) => Number(line.fields['bytes'])).filter((bytes) => bytes > 1_000_000)).toHaveLength(1);
    return result;
  },
};
