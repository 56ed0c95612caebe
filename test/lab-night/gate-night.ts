import { expect } from 'vitest';
import { addImage } from '../lab/directory-image.ts';
import { readGauges, readSlack } from './defects.ts';
import { applyObjects, kubectl } from './kubectl.ts';
import { runNight, runReport } from './night.ts';
import { expectNothingChanged, watchCordons } from './nothing-changed.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { inNewDirectory } from './temporary-directory.ts';

const image = 'docker.io/calico/kube-controllers:v3.32.0';
const labels = { app: 'calico-kube-controllers' };

/** An addon that knows nothing of the next minor. What it does is of no matter: the gate reads its image. */
const addon = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'calico-kube-controllers', namespace: 'kube-system' },
  spec: {
    replicas: 1,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { containers: [{ name: 'controllers', image, command: ['sleep', 'infinity'] }] },
    },
  },
};

export const gateNight: Scenario = {
  name: 'gate',
  title: 'an addon does not support the next minor: nothing is changed, and the report says so',
  ci: true,
  seconds: 60,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.4', newestPatch: true },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    await inNewDirectory('addon', (empty) =>
      addImage(scene.lab.registry.tags, image, empty, { base: true, command: [] }),
    );
    await applyObjects(scene.lab, [addon]);
    const workload = ['-n', 'kube-system', 'deployment/calico-kube-controllers'];
    try {
      await kubectl(scene.lab, ['rollout', 'status', '--timeout=90s', ...workload]);
      // The report of a day with an upgrade says that first: this night has none.
      await kubectl(scene.lab, ['-n', 'k8s-upgrade', 'delete', 'jobs', '-l', 'app=k8s-upgrade-chain']);
      await expectRefusal(scene, from);
    } finally {
      await kubectl(scene.lab, ['delete', ...workload]);
    }
    return { summary: `${from} stays, 1.37.1 refused` };
  },
};

async function expectRefusal(scene: Scene, from: string): Promise<void> {
  const cordons = watchCordons(scene);
  const night = await runNight(scene);
  expect(night.check.status).toBe('complete');
  expect(night.chain).toEqual([]);
  expect([...(await cordons.stop())]).toEqual([]);
  await expectNothingChanged(scene, from, scene.startedAt);
  const gauges = await readGauges(scene.lab.services.pushgateway);
  expect(gauges.get('k8s_upgrade_in_flight') ?? 0).toBe(0);
  expect((gauges.get('k8s_upgrade_held') ?? 0) + (gauges.get('k8s_upgrade_blocked') ?? 0)).toBe(1);
  await runReport(scene);
  const report = (await readSlack(scene, night.startedAt)).at(-1) ?? '';
  scene.log(report.replaceAll('\n', ' | '));
  expect(report).toMatch(/(?:HELD|BLOCKED).*1\.37\.1/);
  expect(report).toContain('calico');
}
