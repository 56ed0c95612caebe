import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readNodes } from './cluster-objects.ts';
import { installProduct } from './install-product.ts';
import { killAt } from './kill-night.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import type { LogLine } from './pod-logs.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

const MOST = 2;

export const batchNight: Scenario = {
  name: 'batch',
  title: 'four workers, two at a time, one of each batch killed: never three are away, and each is upgraded once',
  ci: false,
  seconds: 400,
  cluster: { controlPlanes: 1, workers: 4, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    await installProduct(scene.lab, { rollout: { maxUnavailable: MOST } });
    const watch = watchAway(scene);
    const kills = Promise.all([
      killAt(scene, 'the drain of w1', (line) => line.message === 'cordoned' && line.fields['node'] === 'w1'),
      killAt(scene, 'the packages of w3', isInstalling('w3')),
    ]);
    // A night that fails must not be hidden behind a kill that then never comes.
    kills.catch(() => undefined);
    const night = await runNight(scene);
    const most = await watch.stop();
    await Promise.race([kills, sleep(5000).then(() => Promise.reject(new Error('not every kill has come')))]);
    const result = await expectUpgraded(scene, night, from, to);
    for (const node of scene.lab.nodes) {
      const runs = (await readKubeadmRuns(scene.lab, node, night.startedAt)).filter(isUpgrade);
      expect(runs.map((run) => `${node.name} ${run.exitCode ?? 'killed'}`)).toEqual([`${node.name} 0`]);
    }
    expect(most).toBe(MOST);
    return { ...result, summary: `${result.summary}, ${most} of 4 workers away at most` };
  },
};

function isInstalling(node: string): (line: LogLine) => boolean {
  return ({ message, fields }) => message.startsWith('nightlift: installing kubelet') && fields['node'] === node;
}

/** How many workers were away at once: cordoned, or not Ready. While the API server is away nobody begins one. */
function watchAway(scene: Scene): { stop(): Promise<number> } {
  let [most, over] = [0, false];
  const watching = (async () => {
    while (!over) {
      const nodes = await readNodes(scene.api).catch(() => []);
      const away = nodes.filter(
        ({ metadata, spec, status }) =>
          metadata.name.startsWith('w') &&
          (spec.unschedulable || !status.conditions.some((one) => one.type === 'Ready' && one.status === 'True')),
      );
      most = Math.max(most, away.length);
      await sleep(500);
    }
  })();
  return {
    async stop() {
      over = true;
      await watching;
      return most;
    },
  };
}
