import { expect } from 'vitest';
import { mustRun } from '../lab/run-command.ts';
import { readNodes } from './cluster-objects.ts';
import { readSlack } from './defects.ts';
import { bringBack, untilReady } from './down-night.ts';
import { installProduct } from './install-product.ts';
import { isUpgrade, type KubeadmRun, readKubeadmRuns } from './kubeadm-runs.ts';
import { nextPatch } from './next-patch.ts';
import { runNight, runReport } from './night.ts';
import { nodeNamed } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';
import { provideWorkload } from './workload.ts';

/** So that the chain does not wait a quarter of an hour, four times, for a node that this test leaves dead. */
const patience = { waits: { readySeconds: 60 }, job: { retries: 1 } };

export const diesNight: Scenario = {
  name: 'dies',
  title:
    'a worker dies while its packages are installed: the run stops and says so; back again, the next night ends it',
  ci: false,
  seconds: 480,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    await installProduct(scene.lab, patience);
    const startedAt = Date.now();
    const death = dieAt(scene, 'w2', startedAt);
    const first = await runNight(scene);
    await death;
    const ended = first.chain.map((job) => `${job.name.replace(/-\d+-\d+-\d+/, '')} ${job.status}`);
    expect(ended.filter((text) => !text.endsWith(' complete'))).toEqual(['k8s-upgrade-worker-w2 failed']);
    await expectOthersDone(scene, to);
    await runReport(scene);
    const slack = await readSlack(scene, first.startedAt);
    for (const text of slack) scene.log(text.replaceAll('\n', ' | '));
    expect(slack.at(-1)).toContain('w2');
    expect(slack.at(-1)).not.toMatch(/🟢|⚪/);
    await bringBack(scene, 'w2');
    await installProduct(scene.lab);
    await provideWorkload(scene.lab);
    const result = await expectUpgraded(scene, await runNight(scene), from, to);
    const upgrades = await upgradesSince(scene, startedAt);
    // The one that was cut off does not count; what had ended well was not done a second time.
    expect(upgrades.filter((run) => run.exitCode !== undefined).map((run) => `${run.node} ${run.exitCode}`)).toEqual([
      'cp1 0',
      'w1 0',
      'w2 0',
    ]);
    return result;
  },
};

/** Power cut: no signal reaches anything that runs on it. */
async function dieAt(scene: Scene, name: string, since: number): Promise<void> {
  await scene.logs.waitFor(
    `the packages of ${name}`,
    (line) => line.time >= since && line.message.startsWith('nightlift: installing kubelet') && line.node === name,
  );
  await mustRun('podman', ['kill', nodeNamed(scene.lab, name).container]);
  scene.log(`${name} is dead`);
  await untilReady(scene, name, false);
}

async function expectOthersDone(scene: Scene, to: string): Promise<void> {
  const nodes = (await readNodes(scene.api)).filter(({ metadata }) => metadata.name !== 'w2');
  expect(
    nodes.map(({ metadata, spec, status }) => [metadata.name, status.nodeInfo.kubeletVersion, spec.unschedulable]),
  ).toEqual([
    ['cp1', `v${to}`, false],
    ['w1', `v${to}`, false],
  ]);
}

async function upgradesSince({ lab }: Scene, since: number): Promise<readonly KubeadmRun[]> {
  const runs = [];
  for (const node of lab.nodes) runs.push(...(await readKubeadmRuns(lab, node, since)).filter(isUpgrade));
  return runs;
}
