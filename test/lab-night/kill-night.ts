import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { mustOnNode, onNode } from '../lab/nodes.ts';
import { killPodOf } from './kill-pod.ts';
import { isUpgrade, readKubeadmRuns } from './kubeadm-runs.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { nodeNamed } from './node-commands.ts';
import type { LogLine } from './pod-logs.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

/** One kill in the Job of every kind, each at its worst moment; what the chain does about the first must not help the next. */
export const killNight: Scenario = {
  name: 'kill',
  title:
    'SIGKILL in preflight, while kubeadm applies, in a drain, and between apt and the kubelet: the work is ended, and done once',
  ci: true,
  seconds: 320,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const undo = await slowPackages(scene, 'w2');
    const kills = Promise.all([
      killAt(scene, 'preflight', (line) => line.phase === 'preflight' && line.message.startsWith('snapshot: ')),
      killAt(scene, 'kubeadm upgrade apply', isApplying, { before: () => untilKubeadmRuns(scene) }),
      killAt(scene, 'the drain of w1', (line) => line.message === 'cordoned' && line.fields['node'] === 'w1'),
      killAt(scene, 'between apt and the kubelet on w2', isInstallingKubelet, {
        before: () => untilInstalled(scene, to),
        after: () => killScript(scene),
      }),
    ]);
    // A night that fails must not be hidden behind a kill that then never comes.
    kills.catch(() => undefined);
    const night = await runNight(scene);
    await undo();
    await Promise.race([kills, sleep(5000).then(() => Promise.reject(new Error('not every kill has come')))]);
    const killed = night.chain.filter((job) => job.failedPods > 0).map((job) => job.name.replace(/-\d+-\d+-\d+/, ''));
    expect(killed.toSorted()).toEqual(
      ['k8s-upgrade-master', 'k8s-upgrade-preflight', 'k8s-upgrade-worker-w1', 'k8s-upgrade-worker-w2'].toSorted(),
    );
    const result = await expectUpgraded(scene, night, from, to);
    for (const node of scene.lab.nodes) {
      const runs = (await readKubeadmRuns(scene.lab, node, night.startedAt)).filter(isUpgrade);
      expect(runs.map((run) => `${node.name} ${run.exitCode ?? 'killed'}`)).toEqual([`${node.name} 0`]);
    }
    return result;
  },
};

export async function killAt(
  scene: Scene,
  what: string,
  holds: (line: LogLine) => boolean,
  { before, after }: { before?: (line: LogLine) => Promise<void>; after?: (line: LogLine) => Promise<void> } = {},
): Promise<void> {
  const since = Date.now();
  const line = await scene.logs.waitFor(what, (one) => one.time >= since && holds(one));
  await before?.(line);
  await killPodOf(scene.lab, line);
  await after?.(line);
  scene.log(`killed ${line.pod} on ${line.runner}: ${what}`);
}

export function isApplying(line: LogLine): boolean {
  return line.message.startsWith('nightlift: running kubeadm upgrade apply');
}

function isInstallingKubelet(line: LogLine): boolean {
  return line.message.startsWith('nightlift: installing kubelet') && line.fields['node'] === 'w2';
}

export async function untilKubeadmRuns(scene: Scene): Promise<void> {
  await sleep(3000);
  const runs = await readKubeadmRuns(scene.lab, nodeNamed(scene.lab, 'cp1'), scene.startedAt);
  const last = runs.findLast(isUpgrade);
  if (last === undefined || last.endedAt !== undefined)
    throw new Error('killing while kubeadm applies: it does not run');
}

/** dpkg ends, and apt some seconds after it, as with the hooks of needrestart or etckeeper. */
async function slowPackages(scene: Scene, name: string): Promise<() => Promise<void>> {
  const node = nodeNamed(scene.lab, name);
  const file = '/etc/apt/apt.conf.d/99lab-slow';
  await mustOnNode(node, `echo 'DPkg::Post-Invoke { "sleep 6"; };' >${file}`);
  return async () => {
    await onNode(node, `rm -f ${file}`);
  };
}

/** The package is the new one, the kubelet that runs is the old one. */
async function untilInstalled(scene: Scene, target: string): Promise<void> {
  const node = nodeNamed(scene.lab, 'w2');
  const installed = `[ "$(dpkg-query -W -f '\${db:Status-Status} \${Version}\\n' kubelet kubectl | grep -c '^installed ${target}-')" = 2 ]`;
  for (let tries = 0; tries < 100; tries++) {
    if ((await onNode(node, installed)).code === 0) return;
    await sleep(100);
  }
  throw new Error(`killing between apt and the kubelet: the packages of ${target} did not come`);
}

/** The script on the node dies as well, in the same moment: nobody is left who knows. */
async function killScript(scene: Scene): Promise<void> {
  const unit = `systemctl list-units --plain --no-legend 'nightlift-worker-*' | awk '{ print $1; exit }'`;
  await mustOnNode(nodeNamed(scene.lab, 'w2'), `systemctl kill -s KILL "$(${unit})"`);
}
