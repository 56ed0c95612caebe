import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { waitForBoot } from '../lab/nodes.ts';
import { mustRun } from '../lab/run-command.ts';
import { readNodes } from './cluster-objects.ts';
import { readSlack } from './defects.ts';
import { kubectl } from './kubectl.ts';
import { nextPatch } from './next-patch.ts';
import { runNight, runReport } from './night.ts';
import { nodeNamed } from './node-commands.ts';
import { expectNothingChanged, watchCordons } from './nothing-changed.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';
import { provideWorkload } from './workload.ts';

export const downNight: Scenario = {
  name: 'down',
  title: 'a worker is down: nothing is changed, the report names it; back again, the next night goes on',
  ci: false,
  seconds: 380,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const node = nodeNamed(scene.lab, 'w2');
    await mustRun('podman', ['kill', node.container]);
    await untilReady(scene, 'w2', false);
    // The report of a day with an upgrade says that first: this night has none.
    await kubectl(scene.lab, ['-n', 'k8s-upgrade', 'delete', 'jobs', '-l', 'app=k8s-upgrade-chain']);
    const cordons = watchCordons(scene);
    const first = await runNight(scene);
    expect([...(await cordons.stop())]).toEqual([]);
    await expectNothingChanged(scene, from, first.startedAt, ['w2']);
    await runReport(scene);
    const slack = await readSlack(scene, first.startedAt);
    for (const text of slack) scene.log(text.replaceAll('\n', ' | '));
    expect(slack.at(-1)).toContain('w2');
    expect(slack.at(-1)).not.toMatch(/🟢|⚪/);
    await bringBack(scene, 'w2');
    await provideWorkload(scene.lab);
    return expectUpgraded(scene, await runNight(scene), from, to);
  },
};

export async function bringBack(scene: Scene, name: string): Promise<void> {
  const node = nodeNamed(scene.lab, name);
  await mustRun('podman', ['start', node.container]);
  await waitForBoot(node);
  await untilReady(scene, name, true);
}

export async function untilReady(scene: Scene, name: string, wanted: boolean): Promise<void> {
  for (let tries = 0; tries < 180; tries++) {
    const node = (await readNodes(scene.api)).find(({ metadata }) => metadata.name === name);
    const ready = node?.status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');
    if (ready === wanted) return;
    await sleep(1000);
  }
  throw new Error(`waiting for ${name} to be ${wanted ? 'Ready' : 'down'}: three minutes passed`);
}
