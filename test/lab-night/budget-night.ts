import { expect } from 'vitest';
import { readNodes } from './cluster-objects.ts';
import { readSlack } from './defects.ts';
import { installProduct } from './install-product.ts';
import { nextPatch } from './next-patch.ts';
import { runNight, runReport } from './night.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';
import { setBudget, watchWorkload } from './workload.ts';

export const budgetNight: Scenario = {
  name: 'budget',
  title: 'a budget that never gives way: the drain is given up, the node works again; loosened, the next night goes on',
  ci: true,
  seconds: 370,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    await setBudget(scene.lab, 3);
    await installProduct(scene.lab, { waits: { drainSeconds: 45 } });
    const watch = watchWorkload(scene.api);
    const first = await runNight(scene);
    expect((await watch.stop()).fewest).toBe(3);
    const nodes = await readNodes(scene.api);
    expect(nodes.filter(({ spec }) => spec.unschedulable).map(({ metadata }) => metadata.name)).toEqual([]);
    const kubelets = Object.fromEntries(nodes.map((node) => [node.metadata.name, node.status.nodeInfo.kubeletVersion]));
    expect(kubelets).toMatchObject({ cp1: `v${to}`, w2: `v${from}` });
    await runReport(scene);
    const slack = await readSlack(scene, first.startedAt);
    for (const text of slack) scene.log(text.replaceAll('\n', ' | '));
    expect(slack.some((text) => text.includes('default/web'))).toBe(true);
    expect(slack.at(-1)).not.toMatch(/🟢|⚪/);
    await setBudget(scene.lab, 2);
    await installProduct(scene.lab);
    return expectUpgraded(scene, await runNight(scene), from, to);
  },
};
