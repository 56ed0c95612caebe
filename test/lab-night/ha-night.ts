import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { imageOf, tagOf } from './images.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { nextPatch } from './next-patch.ts';
import { type FollowedChain, runNight } from './night.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario, ScenarioResult } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';
import { watchEndpoint } from './watch-endpoint.ts';

const controlPlanes = { controlPlanes: 3, workers: 1 };

export const haNight: Scenario = {
  name: 'ha',
  title: 'three control planes, one after the other: who asks the endpoint five times a second gets every answer',
  ci: true,
  seconds: 690,
  cluster: { ...controlPlanes, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    return watchedNight(scene, from, await nextPatch(scene));
  },
};

export const haMinorNight: Scenario = {
  name: 'ha-minor',
  title:
    'three control planes and the next minor, each etcd restarted as a new one: the endpoint answers all the while',
  ci: false,
  seconds: 700,
  cluster: { ...controlPlanes, version: '1.36.4', newestPatch: true },
  async run(scene) {
    const before = tagOf(await imageOf(scene, 'etcd'));
    const result = await watchedNight(scene, await runningVersion(scene.lab), '1.37.1');
    const after = tagOf(await imageOf(scene, 'etcd'));
    expect(after).not.toBe(before);
    return { ...result, summary: `${result.summary}, etcd ${before} → ${after}` };
  },
};

async function watchedNight(scene: Scene, from: string, to: string): Promise<ScenarioResult> {
  const watch = await watchEndpoint(scene.lab.kubeconfig);
  const night = await runNight(scene, 35);
  const { asked, retried, failed } = await watch.stop();
  const result = await expectUpgraded(scene, night, from, to);
  expect(await upgradesOf(scene, night)).toEqual(['cp1: apply 0', 'cp2: node 0', 'cp3: node 0', 'w1: node 0']);
  expect(asked).toBeGreaterThan(500);
  scene.log(`the endpoint was asked ${asked} times, ${retried} times again; failed: ${failed.join('; ') || 'none'}`);
  expect(failed, failed.length > 0 ? `the balancer said:\n${await balancerLog(scene)}` : '').toEqual([]);
  return {
    ...result,
    summary: `${result.summary}, ${asked} requests, ${retried} asked again, ${failed.length} failed`,
  };
}

/** Which server it took away when and why, of this night. */
async function balancerLog({ lab, startedAt }: Scene): Promise<string> {
  const lines = (await readFile(path.join(lab.dir, 'logs/haproxy.log'), 'utf8')).split('\n');
  const since = new Date(startedAt).toISOString().slice(0, 19);
  return lines.filter((line) => /^\d{4}-/.test(line) && line >= since).join('\n');
}

async function upgradesOf({ lab }: Scene, night: FollowedChain): Promise<readonly string[]> {
  const runs = [];
  for (const node of lab.nodes) runs.push(...(await readKubeadmRuns(lab, node, night.startedAt)).filter(isUpgrade));
  return runs.map((run) => `${run.node}: ${run.arguments.split(' ')[1] ?? ''} ${run.exitCode ?? 'killed'}`);
}
