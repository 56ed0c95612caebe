import { expect } from 'vitest';
import { untagImage } from '../lab/image-store.ts';
import { provideKubeImages } from '../lab/kube-images.ts';
import { readSlack } from './defects.ts';
import { nextPatch } from './next-patch.ts';
import { runNight, runReport } from './night.ts';
import { expectNothingChanged, watchCordons } from './nothing-changed.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';

export const imageNight: Scenario = {
  name: 'image',
  title: 'an image is missing from the registry: no node is drained; the night after it is there ends the work',
  ci: false,
  seconds: 380,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const missing = `registry.k8s.io/kube-apiserver:v${to}`;
    expect(await untagImage(scene.lab.registry.tags, missing)).toBe(true);
    const cordons = watchCordons(scene);
    const first = await runNight(scene);
    expect([...(await cordons.stop())]).toEqual([]);
    await expectNothingChanged(scene, from, first.startedAt);
    // Preflight fetches for the first control plane already; it tries as often as its Job may.
    const ended = first.chain.map((job) => `${job.name} ${job.status}`);
    expect(ended).toEqual([`k8s-upgrade-preflight-${to.replaceAll('.', '-')} failed`]);
    await runReport(scene);
    const slack = await readSlack(scene, first.startedAt);
    for (const text of slack) scene.log(text.replaceAll('\n', ' | '));
    expect(slack.at(-1)).toContain('🔴');
    expect(slack.at(-1)).toContain('pulling the images');
    await provideKubeImages(scene.lab.registry.tags, to);
    return expectUpgraded(scene, await runNight(scene), from, to);
  },
};
