import path from 'node:path';
import { cached, keyOf } from './cached.ts';
import { containerdDeb } from './debian-packages.ts';
import { cacheDir } from './lab-paths.ts';
import type { ContainerdLine } from './lab-spec.ts';
import { mustRun } from './run-command.ts';

const include =
  'systemd,systemd-sysv,dbus,openssh-server,sudo,iptables,iproute2,ethtool,socat,conntrack,ebtables,kmod,procps,util-linux,' +
  'curl,ca-certificates,gpg,apt-utils,iputils-ping,runc,containernetworking-plugins';

export const nodeUser = 'nightlift';

/** What every node shares; a node's own files go into its overlay. Timers that take the apt lock by chance are off. */
const finish = [
  'rm -f /etc/ssh/ssh_host_* /etc/machine-id /etc/apt/sources.list',
  `useradd --create-home --shell /bin/bash ${nodeUser}`,
  `echo '${nodeUser} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${nodeUser}`,
  `install -d -m 700 -o ${nodeUser} -g ${nodeUser} /home/${nodeUser}/.ssh`,
  'systemctl mask apt-daily.timer apt-daily-upgrade.timer systemd-udevd.service getty.target console-getty.service',
  'systemctl mask systemd-logind.service systemd-timesyncd.service e2scrub_reap.service fstrim.timer',
  'systemctl enable containerd ssh',
  'touch /etc/machine-id',
  'mkdir -p /opt/kube /etc/apt/keyrings /etc/kubernetes',
].join('; ');

export async function rootFilesystem(line: ContainerdLine, log: (text: string) => void): Promise<string> {
  const deb = await containerdDeb(line);
  const target = path.join(cacheDir(), `rootfs-${keyOf(include.split(','), finish, path.basename(deb))}`);
  return cached(target, async (into) => {
    log(`building the nodes' root file system with containerd ${line} (once)`);
    await mustRun('mmdebstrap', [
      '--quiet',
      '--variant=minbase',
      `--include=${include}`,
      `--customize-hook=copy-in ${deb} /tmp`,
      '--customize-hook=chroot "$1" sh -c "dpkg -i /tmp/containerd_*.deb && rm /tmp/containerd_*.deb"',
      `--customize-hook=chroot "$1" sh -ec '${finish.replaceAll("'", `'"'"'`)}'`,
      'bookworm',
      into,
    ]);
  });
}
