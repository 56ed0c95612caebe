import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readNodes } from './cluster-objects.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import type { Scene } from './scene.ts';

export interface CordonWatch {
  /** Nodes that were seen cordoned at any look. */
  stop(): Promise<ReadonlySet<string>>;
}

export function watchCordons({ api }: Scene): CordonWatch {
  const seen = new Set<string>();
  let going = true;
  const loop = (async () => {
    while (going) {
      const nodes = await readNodes(api).catch(() => []);
      for (const { metadata, spec } of nodes) if (spec.unschedulable) seen.add(metadata.name);
      await sleep(500);
    }
  })();
  return {
    async stop() {
      going = false;
      await loop;
      return seen;
    },
  };
}

/** No kubeadm that upgrades has run on any node since then, and every kubelet is the one it was. */
export async function expectNothingChanged(
  scene: Scene,
  version: string,
  since: number,
  down: string[] = [],
): Promise<void> {
  for (const node of scene.lab.nodes.filter(({ name }) => !down.includes(name))) {
    const runs = (await readKubeadmRuns(scene.lab, node, since)).filter(isUpgrade);
    expect(runs.map((run) => `${node.name}: kubeadm ${run.arguments}`)).toEqual([]);
  }
  const kubelets = (await readNodes(scene.api)).map(({ status }) => status.nodeInfo.kubeletVersion);
  expect(new Set(kubelets)).toEqual(new Set([`v${version}`]));
}
