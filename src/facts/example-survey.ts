import { known } from '../observed.ts';
import type { NodeSurvey } from './node-survey.ts';

const GIB = 1024 ** 3;

/** A node that everything is well with, for tests: a control plane by its etcd, its manifests and its certificates. */
export function exampleSurvey(fields: Partial<NodeSurvey> = {}): NodeSurvey {
  return {
    os: { id: 'debian', version: '13', name: 'Debian GNU/Linux 13 (trixie)' },
    kernel: '6.12.0',
    architecture: 'x86_64',
    hardware: {
      virtualisation: 'kvm',
      vendor: 'Example',
      product: 'Virtual Machine',
      cpu: 'Example CPU',
      cpus: 4,
      memoryBytes: 16 * GIB,
      nics: [{ name: 'eth0', driver: 'virtio_net', megabits: null }],
    },
    cgroup: 'v2',
    swapBytes: 0,
    clockOffsetSeconds: 0,
    uptimeSeconds: 864_000,
    rebootRequired: false,
    missingTools: [],
    fileSystems: ['/', '/usr', '/var', '/tmp', '/etc/kubernetes', '/var/lib/containerd', '/var/lib/kubelet'].map(
      exampleFileSystem,
    ),
    apt: {
      sources: [
        {
          file: '/etc/apt/sources.list.d/kubernetes.list',
          text: 'deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /',
          enabled: true,
          signedBy: ['/etc/apt/keyrings/kubernetes-apt-keyring.gpg'],
        },
      ],
      proxies: [],
      defaultRelease: '',
      pins: [],
      unattended: [],
      locks: [],
    },
    packages: ['kubeadm', 'kubelet', 'kubectl'].map((name) => ({
      name,
      version: '1.36.3-1.1',
      held: true,
      installed: true,
    })),
    runtime: {
      sockets: ['/run/containerd/containerd.sock'],
      socket: 'unix:///run/containerd/containerd.sock',
      root: '/var/lib/containerd',
      configVersion: 3,
      sandboxImage: 'registry.k8s.io/pause:3.10',
    },
    kubelet: {
      active: 'active',
      arguments: ['--config=/var/lib/kubelet/config.yaml'],
      flags: [],
      config: { failSwapOn: true, rotateCertificates: true, staticPodPath: '/etc/kubernetes/manifests' },
      featureGates: {},
    },
    staticPods: [],
    patches: [],
    certificates: [
      {
        file: '/var/lib/kubelet/pki/kubelet-client-current.pem',
        startsAt: '2026-09-01T00:00:00.000Z',
        endsAt: '2027-09-01T00:00:00.000Z',
      },
    ],
    etcd: { where: 'none', state: null },
    backups: { count: 0, bytes: 0 },
    leftovers: { staged: [], units: [], sourceChanged: [], bytes: 0 },
    ...fields,
  };
}

export function exampleFileSystem(path: string): NodeSurvey['fileSystems'][number] {
  return {
    path,
    mount: '/',
    type: 'ext4',
    bytes: 100 * GIB,
    freeBytes: 60 * GIB,
    inodes: 6_000_000,
    freeInodes: 5_000_000,
    readOnly: false,
    noexec: false,
  };
}

/** As kubeadm sets one up, with an etcd of its own. */
export function exampleControlPlaneSurvey(fields: Partial<NodeSurvey> = {}): NodeSurvey {
  return exampleSurvey({
    staticPods: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((pod) => ({
      file: `${pod}.yaml`,
      pod,
      images: [`registry.k8s.io/${pod}:v1.36.3`],
      arguments: [pod],
      containers: [pod],
      volumes: [],
    })),
    etcd: {
      where: 'here',
      state: known({
        version: '3.6.8',
        dataDirectory: '/var/lib/etcd',
        listenUrls: ['https://127.0.0.1:2379', 'https://10.0.0.1:2379'],
        members: [{ name: 'cp-1', learner: false }],
        databaseBytes: 64_000_000,
        directoryBytes: 400_000_000,
        quotaBytes: null,
        alarms: [],
      }),
    },
    ...fields,
  });
}
