import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LabNode } from '../lab/lab-spec.ts';
import { readNodes } from './cluster-objects.ts';
import { defectsAfter } from './defects.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { kubectl } from './kubectl.ts';
import { nextPatch } from './next-patch.ts';
import { sudoOnNode } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { addShares, type NodeShares, type Shares } from './shares.ts';

export const byHandNight: Scenario = {
  name: 'by-hand',
  title: 'the measure: the same patch by hand, with the commands of the kubeadm documentation and without a pause',
  ci: false,
  seconds: 280,
  alone: true,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const nodes: NodeShares[] = [];
    for (const node of scene.lab.nodes) nodes.push({ node: node.name, ...(await upgradeByHand(scene, node, to)) });
    // What Nightlift leaves behind is not there; what the cluster is has to be the same.
    await kubectl(scene.lab, ['rollout', 'status', 'deployment/web', '--timeout=60s']);
    expect((await defectsAfter(scene, to)).filter((text) => !text.startsWith('the gauge'))).toEqual([]);
    return { summary: `${from} → ${to}, by hand`, shares: nodes.reduce<Shares>(addShares, nothing), nodes };
  },
};

const nothing: Shares = { wall: 0, kubeadm: 0, packages: 0, drain: 0, soak: 0, ready: 0, own: 0 };

/** The order of Nightlift, so that the same is compared: drain, kubeadm, kubelet, uncordon, and not Ready is not done. */
async function upgradeByHand(scene: Scene, node: LabNode, to: string): Promise<Shares> {
  const startedAt = Date.now();
  const drain = await lasted(() =>
    kubectl(scene.lab, ['drain', node.name, '--ignore-daemonsets', '--delete-emptydir-data']),
  );
  const kubeadmPackage = await lasted(() => sudoOnNode(scene.lab, node, installs('kubeadm', to)));
  await sudoOnNode(scene.lab, node, node.name === 'cp1' ? applies(to) : `kubeadm upgrade node ${ignored}`);
  const kubeletPackage = await lasted(() => sudoOnNode(scene.lab, node, installs('kubelet kubectl', to)));
  await sudoOnNode(scene.lab, node, 'systemctl daemon-reload && systemctl restart kubelet');
  const ready = await lasted(() => untilOn(scene, node.name, to));
  await kubectl(scene.lab, ['uncordon', node.name]);
  const wall = Date.now() - startedAt;
  const runs = (await readKubeadmRuns(scene.lab, node, startedAt)).filter(isUpgrade);
  expect(runs.map((run) => run.exitCode)).toEqual([0]);
  const kubeadm = runs.reduce((sum, run) => sum + ((run.endedAt ?? run.startedAt) - run.startedAt), 0);
  const packages = kubeadmPackage + kubeletPackage;
  scene.log(`${node.name} is on ${to}`);
  return { wall, kubeadm, packages, drain, soak: 0, ready, own: wall - kubeadm - packages - drain - ready };
}

const ignored = '--ignore-preflight-errors=CoreDNSMigration,CoreDNSUnsupportedPlugins,SystemVerification';

function applies(to: string): string {
  return `set -e
kubeadm upgrade plan v${to} ${ignored}
kubeadm upgrade apply v${to} -y ${ignored} --skip-phases=addon/coredns`;
}

function installs(names: string, to: string): string {
  const wanted = names.split(' ').map((name) => `${name}='${to}-*'`);
  return `set -e
export DEBIAN_FRONTEND=noninteractive
apt-mark unhold ${names}
apt-get -q update
apt-get -q install -y ${wanted.join(' ')}
apt-mark hold ${names}`;
}

async function lasted(run: () => Promise<unknown>): Promise<number> {
  const startedAt = Date.now();
  await run();
  return Date.now() - startedAt;
}

async function untilOn(scene: Scene, name: string, to: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const node = (await readNodes(scene.api).catch(() => [])).find(({ metadata }) => metadata.name === name);
    const ready = node?.status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');
    if (ready && node?.status.nodeInfo.kubeletVersion === `v${to}`) return;
    await sleep(1000);
  }
  throw new Error(`waiting for ${name} to be Ready with ${to}: five minutes passed`);
}
