import path from 'node:path';
import { expect } from 'vitest';
import { mustRun, runCommand } from '../lab/run-command.ts';
import { sshArguments } from '../lab/ssh-access.ts';
import { installProduct } from './install-product.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { kubectl } from './kubectl.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { sudoOnNode } from './node-commands.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { inNewDirectory } from './temporary-directory.ts';
import { expectUpgraded } from './upgraded.ts';

const USER = 'upgrader';

export const upgradeOnlyNight: Scenario = {
  name: 'upgrade-only',
  title: 'the key may upgrade the nodes and do nothing else, and only administrators may write what is root',
  ci: true,
  seconds: 270,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    return await inNewDirectory('key', async (directory) => {
      const key = path.join(directory, 'nightlift-key');
      await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'nightlift', '-f', key]);
      const prepareNodes = async (script: string): Promise<void> => {
        for (const node of scene.lab.nodes) {
          expect(await sudoOnNode(scene.lab, node, script)).toMatch(/release [0-9a-f]{16} is installed/);
          // A second time changes nothing.
          expect(await sudoOnNode(scene.lab, node, script)).toMatch(/release [0-9a-f]{16} is installed/);
        }
      };
      const ssh = { user: USER, access: 'upgrade-only' };
      const access = { privateKey: key, publicKey: `${key}.pub`, prepareNodes };
      await installProduct(scene.lab, { ssh }, 'image', access);
      try {
        await expectNoShell(scene, key);
        await expectPolicy(scene);
        const night = await runNight(scene);
        const result = await expectUpgraded(scene, night, from, to);
        for (const node of scene.lab.nodes) {
          const runs = (await readKubeadmRuns(scene.lab, node, night.startedAt)).filter(isUpgrade);
          expect(runs.map(({ exitCode }) => exitCode)).toEqual([0]);
        }
        return result;
      } finally {
        const policies = ['validatingadmissionpolicybinding', 'validatingadmissionpolicy'];
        for (const kind of policies)
          await kubectl(scene.lab, ['delete', kind, 'k8s-upgrade-is-root', '--ignore-not-found']);
        await installProduct(scene.lab);
      }
    });
  },
};

/** What somebody gets who has stolen the key. */
async function expectNoShell({ lab }: Scene, key: string): Promise<void> {
  for (const node of lab.nodes) {
    const stolen = sshArguments({ ...lab, ssh: { ...lab.ssh, key, user: USER } }, node);
    for (const [more, input] of [
      [['id'], ''],
      [['sudo', 'bash', '-s'], 'id\n'],
      [[], 'id\nend\n'],
    ] as const) {
      const { code, stdout, stderr } = await runCommand('ssh', [...stolen, ...more], { input });
      expect([code, stdout]).toEqual([70, '']);
      expect(stderr).toContain('nightlift: failed: nightlift-node refuses the request');
    }
    const forwarded = await runCommand(
      'timeout',
      ['20', 'ssh', '-N', '-o', 'ExitOnForwardFailure=yes', '-R', '127.0.0.1:0:127.0.0.1:1', ...stolen],
      { input: '' },
    );
    expect(forwarded.code).not.toBe(0);
  }
}

/** A user with every right of RBAC who is not named. */
async function expectPolicy({ lab }: Scene): Promise<void> {
  const binding = ['clusterrolebinding', 'nightlift-lab-eve'];
  await kubectl(lab, ['create', ...binding, '--clusterrole=cluster-admin', '--user=eve']);
  try {
    const patch = [
      '-n',
      'k8s-upgrade',
      'patch',
      'configmap',
      'k8s-upgrade-scripts',
      '--type=merge',
      '-p',
      '{"data":{"stage.sh":"id"}}',
    ];
    await expect(kubectl(lab, [...patch, '--as=eve'])).rejects.toThrow(/eve may not write configmaps/);
  } finally {
    await kubectl(lab, ['delete', ...binding]);
  }
}
