import { expect } from 'vitest';
import { readNodes } from './cluster-objects.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { nodeNamed } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

export const containerdNight: Scenario = {
  name: 'containerd',
  title:
    "the control plane's containerd is a line behind the workers': it is raised, after the drain and before kubeadm",
  ci: false,
  seconds: 330,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3', fresh: true, containerdOf: { cp1: '1.6' } },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const before = await runtimes(scene);
    expect(before['cp1']).toMatch(/^containerd:\/\/v?1\.6\./);
    const night = await runNight(scene);
    const result = await expectUpgraded(scene, night, from, to);
    const after = await runtimes(scene);
    expect(after).toEqual({ cp1: before['w1'], w1: before['w1'], w2: before['w1'] });
    const raised = scene.logs.lines().filter((line) => line.message === 'containerd raised');
    expect(raised.map((line) => line.fields['node'])).toEqual(['cp1']);
    const cordoned = scene.logs.lines().find((line) => line.message === 'cordoned' && line.node === 'cp1');
    const [kubeadm] = (await readKubeadmRuns(scene.lab, nodeNamed(scene.lab, 'cp1'), night.startedAt)).filter(
      isUpgrade,
    );
    const order = [cordoned?.time ?? Number.NaN, raised[0]?.time ?? Number.NaN, kubeadm?.startedAt ?? Number.NaN];
    expect(order).toEqual(order.toSorted((one, other) => one - other));
    return { ...result, summary: `${result.summary}, ${plain(before['cp1'])} → ${plain(after['cp1'])}` };
  },
};

async function runtimes({ api }: Scene): Promise<Record<string, string>> {
  const nodes = await readNodes(api);
  return Object.fromEntries(nodes.map((node) => [node.metadata.name, node.status.nodeInfo.containerRuntimeVersion]));
}

function plain(runtime: string | undefined): string {
  return /\d+\.\d+\.\d+/.exec(runtime ?? '')?.[0] ?? 'unknown';
}
