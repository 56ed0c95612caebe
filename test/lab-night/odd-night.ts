import { expect } from 'vitest';
import { type OddName, patchesDirectory } from '../lab/odd.ts';
import { allForeignThings } from './foreign-things.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { kubectl } from './kubectl.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { sudoOnNode } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

const odd: readonly OddName[] = [
  'deb822',
  'shared-keyring',
  'asc-key',
  'proxy-only',
  'two-sockets',
  'held-cri-tools',
  'greeting-shell',
  'kubelet-drop-in',
  'patches',
  'dns-repository',
  'etcd-elsewhere',
];

export const oddNight: Scenario = {
  name: 'odd',
  title: `nodes as other people have them (${odd.join(', ')}, sshd on another port, names with dots) get a patch, and nothing foreign changes`,
  ci: false,
  seconds: 360,
  cluster: {
    controlPlanes: 1,
    workers: 2,
    version: '1.36.3',
    fresh: true,
    made: { odd: [...odd], sshPort: 2222, nodeSuffix: '.rack-a.example' },
    settings: { kubeadm: { patchesDirectory } },
  },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const before = await allForeignThings(scene);
    const night = await runNight(scene);
    const result = await expectUpgraded(scene, night, from, to);
    expect(await allForeignThings(scene)).toEqual(before);
    await expectOwnParameters(scene);
    await expectPatched(scene, night.startedAt);
    return result;
  },
};

/** What the nodes were made with is what they have now. */
async function expectOwnParameters({ lab }: Scene): Promise<void> {
  for (const node of lab.nodes) {
    const said = await sudoOnNode(
      lab,
      node,
      `tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value kubelet)/cmdline; grep -s -- --data-dir /etc/kubernetes/manifests/etcd.yaml
grep -A 3 core:/stable: /etc/apt/sources.list.d/all.sources`,
    );
    expect(said).toMatch(/ --v 1 .*--max-open-files=8192/);
    if (node.role === 'control-plane') expect(said).toContain('--data-dir=/srv/etcd');
    // The keyring of several makers is not ours to write: our key is beside it.
    const keyring = node.role === 'control-plane' ? 'nightlift-kubernetes.gpg' : 'kubernetes.asc';
    expect(said).toContain(`Signed-By: /etc/apt/keyrings/${keyring}`);
  }
}

async function expectPatched({ lab }: Scene, since: number): Promise<void> {
  for (const node of lab.nodes) {
    const [run] = (await readKubeadmRuns(lab, node, since)).filter(isUpgrade);
    expect(run?.arguments).toContain(`--patches=${patchesDirectory}`);
  }
  const pods = await kubectl(lab, ['get', 'nodes', '-o', 'jsonpath={.items[*].status.allocatable.pods}']);
  expect(pods.split(' ')).toEqual(lab.nodes.map(() => '77'));
  const label = 'component=kube-apiserver,example.com/patched=yes';
  const patched = await kubectl(lab, ['-n', 'kube-system', 'get', 'pods', '-l', label, '-o', 'name']);
  expect(patched.trim().split('\n')).toHaveLength(1);
}
