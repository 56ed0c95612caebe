import { existsSync, readdirSync } from 'node:fs';
import type { Family } from './address-families.ts';
import { programsDir } from './lab-paths.ts';
import { mustRun, runCommand } from './run-command.ts';

const packages = [
  'podman',
  'runc',
  'iproute2',
  'iptables',
  'containernetworking-plugins',
  'mmdebstrap',
  'zstd',
  'gpg',
  'gpg-agent',
  'apt-utils',
  'openssh-client',
  'haproxy',
];

/** This machine cannot run a lab: reported as "not run", never as passed or failed. */
export class CannotRunHere extends Error {
  constructor(missing: string, cure: string) {
    super(`a lab cannot run here: ${missing}\nto change that: ${cure}`);
    this.name = 'CannotRunHere';
  }
}

export function checkPrograms(): void {
  const dir = programsDir();
  const wanted = ['kube-', 'etcd-', 'coredns-', 'crictl-', 'pause'];
  const found = existsSync(dir) ? readdirSync(dir) : [];
  const missing = wanted.filter((prefix) => !found.some((file) => file.startsWith(prefix) && file.endsWith('.zst')));
  if (missing.length === 0) return;
  throw new CannotRunHere(
    `${dir} has no ${missing.map((prefix) => `${prefix}*.zst`).join(', ')}`,
    'NIGHTLIFT_KUBE_DIR=DIRECTORY npm run lab -- build   (from their Go modules, half an hour; then the same with `up`)',
  );
}

export function checkRoot(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new CannotRunHere(
      `it needs linux on x64, this is ${process.platform} on ${process.arch}`,
      'use such a machine',
    );
  }
  if (process.getuid?.() !== 0) {
    throw new CannotRunHere('nodes are privileged containers, and this is not root', 'sudo -E npm run lab -- up');
  }
}

export async function installPackages(log: (line: string) => void): Promise<void> {
  if (!existsSync('/usr/bin/apt-get')) {
    throw new CannotRunHere('there is no apt-get', 'use Debian 12, the system the lab was measured on');
  }
  const query = await runCommand('dpkg-query', ['-W', '-f=${db:Status-Abbrev} ${Package}\n', ...packages]);
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.startsWith('ii') || line.startsWith('hi'))
      .map((line) => line.split(/\s+/).at(-1)),
  );
  const missing = packages.filter((name) => !installed.has(name));
  if (missing.length === 0) return;
  log(`installing Debian packages: ${missing.join(' ')}`);
  const apt = ['install', '-y', '--no-install-recommends', ...missing];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runCommand('apt-get', ['update'], { env });
  const result = await runCommand('apt-get', apt, { env });
  if (result.code !== 0) {
    throw new CannotRunHere(
      `apt-get could not install ${missing.join(' ')}: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
      `apt-get update && apt-get ${apt.join(' ')}`,
    );
  }
}

/** Whether the kernel has what nodes and kube-proxy need of IPv6: tried where it changes nothing. */
export async function checkFamilies(families: readonly Family[]): Promise<void> {
  if (!families.includes('ipv6')) return;
  const nat = 'ip6tables -t nat -A POSTROUTING -s fd44::/48 -j MASQUERADE';
  const tried = existsSync('/proc/net/if_inet6')
    ? await runCommand('unshare', [
        '--net',
        'sh',
        '-c',
        `ip link set lo up && ip -6 address show dev lo | grep -q ::1 && ${nat}`,
      ])
    : { code: 1, stderr: 'the kernel has no IPv6' };
  if (tried.code === 0) return;
  throw new CannotRunHere(
    `neither dual-stack nor IPv6-only nodes: ${tried.stderr.trim().split('\n').at(-1) ?? ''}`,
    'a kernel with IPv6 and its NAT (ip6table_nat or nft_chain_nat), and net.ipv6.conf.all.disable_ipv6=0; or no --ipv6',
  );
}

export async function hostHas(command: string): Promise<boolean> {
  return (await mustRun('sh', ['-c', `command -v ${command} || true`])).trim() !== '';
}
