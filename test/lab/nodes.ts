import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { families } from './address-families.ts';
import { type LabNode, type LabSpec, networks, podmanNetwork } from './lab-spec.ts';
import { programStore } from './programs.ts';
import { CommandFailed, type CommandResult, mustRun, runCommand } from './run-command.ts';

export const labLabel = 'nightlift.lab';

export async function createNetwork(spec: LabSpec): Promise<void> {
  const name = podmanNetwork(spec.name);
  const all = networks(spec);
  const exists = await runCommand('podman', ['network', 'exists', name]);
  if (exists.code !== 0) {
    const ranges = all.flatMap(({ gateway, prefixLength }) => [
      '--subnet',
      `${gateway}/${prefixLength}`,
      '--gateway',
      gateway,
    ]);
    // Internal: else this machine would forward for the nodes, and with IPv6 it would no longer listen to its own router.
    await mustRun('podman', ['network', 'create', '--disable-dns', '--internal', ...ranges, name]);
  }
  const bridge = await bridgeOf(name);
  // The bridge would appear with the first container; the servers of the lab want its addresses before.
  if (!existsSync(`/sys/class/net/${bridge}`)) {
    // A bridge without an address of its own takes the lowest of its ports': a node that dies would change it, and the
    // others would look for the repository at the old one for ten seconds.
    const address = `02:4e:4c:00:00:${spec.subnet.toString(16).padStart(2, '0')}`;
    await mustRun('ip', ['link', 'add', bridge, 'address', address, 'type', 'bridge']);
    // Without a look whether another has it: it could not be listened on for a second.
    for (const { gateway, mirror, prefixLength } of all)
      for (const own of [gateway, mirror])
        await mustRun('ip', ['address', 'add', `${own}/${prefixLength}`, 'dev', bridge, 'nodad']);
  }
  await mustRun('ip', ['link', 'set', bridge, 'up']);
}

async function bridgeOf(podman: string): Promise<string> {
  const found = await runCommand('podman', ['network', 'inspect', '-f', '{{.NetworkInterface}}', podman]);
  return found.code === 0 ? found.stdout.trim() : '';
}

/** An overlay of our own over the shared root: what the node writes stays when it is stopped and started again. */
export async function mountNodeRoot(lab: string, node: LabNode, base: string): Promise<string> {
  const home = path.join(lab, 'nodes', node.name);
  const [upper, work, root, state] = ['upper', 'work', 'root', 'var-lib'].map((part) => path.join(home, part)) as [
    string,
    string,
    string,
    string,
  ];
  for (const dir of [upper, work, root]) await mkdir(dir, { recursive: true });
  await mustRun('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${base},upperdir=${upper},workdir=${work}`,
    root,
  ]);
  // containerd cannot put an overlay on an overlay, so /var/lib is a directory of the host.
  await mustRun('cp', ['-a', path.join(base, 'var/lib'), state]);
  return root;
}

export async function startNode(lab: string, spec: LabSpec, node: LabNode): Promise<void> {
  const home = path.join(lab, 'nodes', node.name);
  await mustRun('podman', [
    'run',
    '-d',
    `--name=${node.container}`,
    `--hostname=${node.name}`,
    `--label=${labLabel}=${lab}`,
    // crun refuses a hybrid cgroup tree; without a cgroup namespace nested containers cannot mount theirs.
    '--runtime=runc',
    '--privileged',
    '--cgroupns=private',
    // Podman's own way with systemd gives every container the host's "systemd" hierarchy: each kubelet would then find
    // the pods of all other nodes there, take them for orphans, and fail for minutes to remove them.
    '--systemd=false',
    '--env=container=podman',
    '--stop-signal=RTMIN+3',
    // Without both, nested containers fail with "error setting rlimit".
    '--ulimit=nofile=8192:8192',
    '--ulimit=nproc=8192:8192',
    `--network=${podmanNetwork(spec.name)}`,
    ...spec.families.map((family, index) => `${families[family].option}=${node.ips[index] ?? ''}`),
    `--volume=${path.join(home, 'var-lib')}:/var/lib`,
    `--volume=${programStore()}:/opt/kube:ro`,
    '--tmpfs=/run',
    '--tmpfs=/tmp',
    '--rootfs',
    path.join(home, 'root'),
    '/sbin/init',
  ]);
}

export async function waitForBoot(node: LabNode): Promise<void> {
  const ready = 'test -S /run/containerd/containerd.sock && systemctl is-active -q ssh containerd';
  for (let tries = 0; tries < 120; tries++) {
    if ((await runCommand('podman', ['exec', node.container, 'sh', '-c', ready])).code === 0) return;
    await sleep(250);
  }
  const state = await runCommand('podman', ['exec', node.container, 'systemctl', '--failed', '--no-legend']);
  throw new Error(`waiting for ${node.name} to boot: 30 s passed; failed units: ${state.stdout.trim()}`);
}

export function onNode(node: Pick<LabNode, 'container'>, script: string): Promise<CommandResult> {
  return runCommand('podman', ['exec', node.container, 'bash', '-c', script]);
}

export async function mustOnNode(node: Pick<LabNode, 'container' | 'name'>, script: string): Promise<string> {
  const result = await onNode(node, `set -euo pipefail\n${script}`);
  if (result.code !== 0) throw new CommandFailed(`on ${node.name}: ${script.trim().slice(0, 200)}`, result);
  return result.stdout;
}

export async function removeNodes(lab: string): Promise<void> {
  const ids = (await mustRun('podman', ['ps', '-aq', '--filter', `label=${labLabel}=${lab}`]))
    .split('\n')
    .filter(Boolean);
  if (ids.length > 0) await mustRun('podman', ['rm', '-f', '-t', '0', ...ids]);
}

/** Deepest first. What a killed node left mounted would otherwise keep its directory for ever. */
export async function unmountBelow(dir: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${dir}/`))
    .sort((one, other) => other.length - one.length);
  for (const point of mounts) await runCommand('umount', ['-l', point]);
}

export async function removeNetwork(name: string): Promise<void> {
  const bridge = await bridgeOf(podmanNetwork(name));
  await runCommand('podman', ['network', 'rm', '-f', podmanNetwork(name)]);
  if (bridge !== '' && existsSync(`/sys/class/net/${bridge}`)) await runCommand('ip', ['link', 'delete', bridge]);
}
