import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { mustRun } from './run-command.ts';

/** On a node: a line for every start and every end of kubeadm. */
export const kubeadmRuns = '/var/log/kubeadm-runs';

interface DebFile {
  path: string;
  content: string;
  mode?: number;
}

interface Deb {
  name: string;
  version: string;
  depends?: string;
  description: string;
  files: DebFile[];
  conffiles?: string[];
  scripts?: Record<string, string>;
}

/** The program itself is mounted into the node: the package is a wrapper, and installs in a second. */
function wrapper(name: string, binary: string): DebFile {
  return { path: `usr/bin/${name}`, mode: 0o755, content: `#!/bin/bash\nexec -a ${name} ${binary} "$@"\n` };
}

/** As `wrapper`, and keeps a record of the lab's own: when kubeadm ran, with what, and how it ended. */
function kubeadmWrapper(binary: string): DebFile {
  const lines = [
    '#!/bin/bash',
    `note() { printf '%s\\t%s\\t%s\\t%s\\n' "$EPOCHREALTIME" "$1" "$$" "$2" >>${kubeadmRuns}; } 2>/dev/null`,
    'note start "$*"',
    `(exec -a kubeadm ${binary} "$@")`,
    'code=$?',
    'note end "$code"',
    'exit "$code"',
    '',
  ];
  return { path: 'usr/bin/kubeadm', mode: 0o755, content: lines.join('\n') };
}

const kubeletUnit = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

const kubeadmDropIn = `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

// As in the real package: enabled, the unit file read again, and a running kubelet left alone.
const kubeletPostinst = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  deb-systemd-helper unmask kubelet.service >/dev/null || true
  if deb-systemd-helper --quiet was-enabled kubelet.service; then
    deb-systemd-helper enable kubelet.service >/dev/null || true
  else
    deb-systemd-helper update-state kubelet.service >/dev/null || true
  fi
  if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
fi
`;

export function kubernetesDebs(version: string, revision: string): Deb[] {
  const binary = `/opt/kube/${version}/kube`;
  const full = `${version}-${revision}`;
  return [
    {
      name: 'kubeadm',
      version: full,
      description: 'Command-line utility for administering a Kubernetes cluster',
      files: [
        kubeadmWrapper(binary),
        { path: 'usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf', content: kubeadmDropIn },
      ],
    },
    {
      name: 'kubelet',
      version: full,
      depends: 'iptables, kubernetes-cni (>= 1.2.0), mount, util-linux',
      description: 'Node agent for Kubernetes clusters',
      files: [
        wrapper('kubelet', binary),
        { path: 'usr/lib/systemd/system/kubelet.service', content: kubeletUnit },
        { path: 'etc/default/kubelet', content: 'KUBELET_EXTRA_ARGS=\n' },
      ],
      conffiles: ['/etc/default/kubelet'],
      scripts: { postinst: kubeletPostinst },
    },
    {
      name: 'kubectl',
      version: full,
      description: 'Command-line utility for interacting with a Kubernetes cluster',
      files: [wrapper('kubectl', binary)],
    },
  ];
}

export function companionDebs(crictl: string): Deb[] {
  return [
    {
      name: 'cri-tools',
      version: `${crictl}-1.1`,
      description: 'Command-line utility for interacting with a container runtime',
      files: [wrapper('crictl', `/opt/kube/crictl-${crictl}/crictl`)],
    },
    {
      name: 'kubernetes-cni',
      version: '1.8.0-1.1',
      description: 'Binaries required to provision kubernetes container networking',
      files: [
        {
          path: 'usr/share/doc/kubernetes-cni/README',
          content: 'The lab uses the plugins of Debian, in /usr/lib/cni.\n',
        },
      ],
    },
  ];
}

export function debFileName(deb: Pick<Deb, 'name' | 'version'>): string {
  return `${deb.name}_${deb.version}_amd64.deb`;
}

export async function buildDeb(deb: Deb, into: string): Promise<void> {
  const staging = path.join(into, `.staging-${deb.name}-${deb.version}`);
  await rm(staging, { recursive: true, force: true });
  for (const file of deb.files) {
    const full = path.join(staging, file.path);
    await mkdir(path.dirname(full), { recursive: true });
    await writeFile(full, file.content);
    await chmod(full, file.mode ?? 0o644);
  }
  const control = [
    `Package: ${deb.name}`,
    `Version: ${deb.version}`,
    'Architecture: amd64',
    'Maintainer: Kubernetes Authors <dev@kubernetes.io>',
    ...(deb.depends === undefined ? [] : [`Depends: ${deb.depends}`]),
    'Section: admin',
    'Priority: optional',
    'Homepage: https://kubernetes.io',
    `Description: ${deb.description}`,
    '',
  ];
  await mkdir(path.join(staging, 'DEBIAN'), { recursive: true });
  await writeFile(path.join(staging, 'DEBIAN/control'), control.join('\n'));
  if (deb.conffiles !== undefined)
    await writeFile(path.join(staging, 'DEBIAN/conffiles'), `${deb.conffiles.join('\n')}\n`);
  for (const [name, text] of Object.entries(deb.scripts ?? {})) {
    const script = path.join(staging, 'DEBIAN', name);
    await writeFile(script, text);
    await chmod(script, 0o755);
  }
  const env = { SOURCE_DATE_EPOCH: '1750000000' };
  await mustRun(
    'dpkg-deb',
    ['--root-owner-group', '-Zgzip', '-z1', '--build', staging, path.join(into, debFileName(deb))],
    { env },
  );
  await rm(staging, { recursive: true });
}
