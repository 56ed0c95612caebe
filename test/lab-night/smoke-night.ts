import { expect } from 'vitest';
import { installProduct } from './install-product.ts';
import { kubectl } from './kubectl.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';

/** Each node is a kind of its own, so that pods have to reach each other over all of them. */
const SMOKE = {
  podsPer: 'kubernetes.io/hostname',
  podNetwork: true,
  nodesReady: true,
  devices: true,
  eachWorker: true,
};

export const smokeNight: Scenario = {
  name: 'smoke',
  title:
    'a patch with the smoke tests and the network trigger: pods are made on each node, reach each other, and are gone',
  ci: false,
  seconds: 330,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    await installProduct(scene.lab, { smoke: SMOKE, triggers: { network: true, forSeconds: 10 } });
    const night = await runNight(scene);
    const lines = scene.logs.lines().filter((line) => line.time >= night.startedAt);
    const asked = lines.filter((line) => line.message.startsWith('smoke: ')).map(({ phase }) => phase);
    expect(asked).toEqual(['worker', 'worker', 'postflight']);
    expect(lines.filter(({ message }) => message.includes('could not be removed'))).toEqual([]);
    const left = await kubectl(scene.lab, ['get', 'jobs,pods', '-A', '-l', 'app=k8s-upgrade-probe', '-o', 'name']);
    expect(left.trim()).toBe('');
    const result = await expectUpgraded(scene, night, from, to);
    await installProduct(scene.lab);
    return result;
  },
};
