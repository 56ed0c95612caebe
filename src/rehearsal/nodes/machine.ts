import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificateAuthority } from '../api/certificate.ts';
import type { ClusterPort, StaticPod } from './cluster-port.ts';
import { kubeadmImages } from './kubeadm-images.ts';
import { COMPONENTS, imageInManifest, manifestOf } from './static-pod-manifest.ts';

export interface Package {
  version: string;
  held: boolean;
  /** `half-configured` after dpkg was killed in the middle. */
  status: 'installed' | 'half-configured';
}

export interface Unit {
  state: 'active' | 'deactivating' | 'failed';
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** How long things take on a rehearsal node; milliseconds. */
export interface Timing {
  /** Each component that kubeadm upgrades, and each of its other phases. */
  readonly kubeadmStep: number;
  /** Each package that apt unpacks. */
  readonly package: number;
  readonly kubeletRestart: number;
  /** kubeadm's wait for a new static pod hash: five minutes on a real one. */
  readonly upgradeManifests: number;
}

/** What a test bends. All of them may be changed at any time. */
export interface Knobs {
  freeBytes: number;
  /** Until when (ms since the epoch) another program holds the package lock. */
  aptLockUntil: number;
  /** The signature of the repository cannot be verified. */
  brokenSignature: boolean;
  /** Packages that have to move with ours. */
  readonly pulledIn: Set<string>;
  /** Packages that cannot stay beside what is installed. */
  readonly inTheWay: Set<string>;
  /** Images that no registry has, by full name. */
  readonly missingImages: Set<string>;
  /** Components whose mirror pod never shows the new hash (I06). */
  readonly stuckHashes: Set<string>;
  /** The kubelet falls again right after each start. */
  kubeletCrashes: boolean;
  sudoNeedsPassword: boolean;
  /** What the login shell prints on both streams before it runs anything. */
  greeting: string;
}

export interface MachineOptions {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly internalIp: string;
  readonly root: string;
  /** X.Y.Z that everything is on at first. */
  readonly version: string;
  /** Debian version of containerd. */
  readonly containerd: string;
  /** containerd of the distribution, or containerd.io of Docker. */
  readonly containerdPackage: string;
  /** Versions that the node's other sources offer, by package. */
  readonly containerds: Readonly<Record<string, readonly string[]>>;
  readonly repoBase: string;
  readonly architecture: string;
  /** Flags in the kube-apiserver manifest that kubeadm-config does not know (I18). */
  readonly extraApiServerFlags: readonly string[];
  readonly cluster: ClusterPort;
  readonly timing: Timing;
}

/** One node: its directory, its packages, its units and its kubelet. */
export interface Machine extends MachineOptions {
  readonly bin: string;
  readonly packages: Map<string, Package>;
  readonly units: Map<string, Unit>;
  readonly images: Set<string>;
  readonly kubelet: { active: boolean; running: string };
  readonly knobs: Knobs;
  path(absolute: string): string;
  packageVersion(name: string): string | undefined;
  startKubelet(): Promise<void>;
  stopKubelet(): Promise<void>;
  /** What the kubelet does when a manifest has changed; false when it does not run or the hash is stuck. */
  syncStaticPod(component: string): Promise<boolean>;
}

export function createMachine(options: MachineOptions): Machine {
  const { root, version, role } = options;
  const path = (absolute: string): string =>
    join(root, absolute.startsWith(`${root}/`) ? absolute.slice(root.length) : absolute);
  const packages = new Map<string, Package>();
  for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
    packages.set(name, { version: `${version}-1.1`, held: true, status: 'installed' });
  }
  packages.set(options.containerdPackage, { version: options.containerd, held: false, status: 'installed' });
  layOutFiles(options, path);

  const seen = new Map<string, string>();
  const machine: Machine = {
    ...options,
    bin: join(root, 'usr/bin'),
    packages,
    units: new Map(),
    images: new Set(role === 'control-plane' ? kubeadmImages(version) : []),
    kubelet: { active: true, running: version },
    knobs: {
      freeBytes: 60e9,
      aptLockUntil: 0,
      brokenSignature: false,
      pulledIn: new Set(),
      inTheWay: new Set(),
      missingImages: new Set(),
      stuckHashes: new Set(),
      kubeletCrashes: false,
      sudoNeedsPassword: false,
      greeting: '',
    },
    path,
    packageVersion: (name) => {
      const found = packages.get(name);
      return found?.status === 'installed' ? found.version : undefined;
    },
    async startKubelet() {
      const installed = packages.get('kubelet')?.version.split('-')[0];
      if (installed === undefined || machine.knobs.kubeletCrashes) {
        machine.kubelet.active = false;
        return;
      }
      machine.kubelet.active = true;
      machine.kubelet.running = installed;
      const runtime = /^[\d.]+/.exec(packages.get(options.containerdPackage)?.version ?? '')?.[0] ?? 'unknown';
      await options.cluster.kubeletStarted(options.name, installed, `containerd://${runtime}`);
      for (const component of COMPONENTS) await machine.syncStaticPod(component);
    },
    async stopKubelet() {
      machine.kubelet.active = false;
      await options.cluster.kubeletStopped(options.name);
    },
    async syncStaticPod(component) {
      const file = path(`/etc/kubernetes/manifests/${component}.yaml`);
      if (!existsSync(file)) return false;
      const text = readFileSync(file, 'utf8');
      const hash = hashOf(text);
      if (seen.get(component) === hash) return true;
      if (!machine.kubelet.active || machine.knobs.stuckHashes.has(component)) return false;
      seen.set(component, hash);
      await options.cluster.staticPodChanged(options.name, { component, image: imageInManifest(text), hash });
      return true;
    },
  };
  for (const pod of staticPodsOf(machine)) seen.set(pod.component, pod.hash);
  return machine;
}

/** The static pods of the manifests on a node's disk: what its cluster starts with. */
export function staticPodsOf(machine: Pick<Machine, 'path'>): readonly StaticPod[] {
  return COMPONENTS.flatMap((component) => {
    const file = machine.path(`/etc/kubernetes/manifests/${component}.yaml`);
    if (!existsSync(file)) return [];
    const text = readFileSync(file, 'utf8');
    return [{ component, image: imageInManifest(text), hash: hashOf(text) }];
  });
}

function hashOf(manifest: string): string {
  return createHash('md5').update(manifest).digest('hex');
}

const KUBELET_CERTIFICATE = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const KUBELET_CONF = `kind: Config
users:
- name: default-auth
  user:
    client-certificate: ${KUBELET_CERTIFICATE}
    client-key: ${KUBELET_CERTIFICATE}
`;

/** As the kubelet keeps it: certificate and key in one file. */
function kubeletCertificate(node: string): string {
  const { certificatePem, privateKeyPem } = createCertificateAuthority('kubernetes').issue({
    commonName: `system:node:${node}`,
    organization: 'system:nodes',
  });
  return `${certificatePem}${privateKeyPem}`;
}

/** What the node has in /etc/machine-id and its kubelet reports. */
export function machineIdOf(node: string): string {
  return createHash('sha256').update(node).digest('hex').slice(0, 32);
}

/** A virtual machine as many are: what the kernel and the distribution say of it. */
function systemFiles(role: MachineOptions['role']): Readonly<Record<string, string>> {
  const gigabytes = role === 'control-plane' ? 8 : 16;
  return {
    '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
    '/proc/uptime': '864000.12 1700000.00\n',
    '/proc/cpuinfo': ['0', '1'].map((cpu) => `processor\t: ${cpu}\nmodel name\t: Rehearsal CPU\n\n`).join(''),
    '/proc/meminfo': `MemTotal:       ${gigabytes * 1_048_576} kB\nSwapTotal:             0 kB\n`,
    '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
    '/sys/class/dmi/id/sys_vendor': 'Rehearsal\n',
    '/sys/class/dmi/id/product_name': 'Virtual Machine\n',
  };
}

function layOutFiles(options: MachineOptions, path: (absolute: string) => string): void {
  const directories = [
    'tmp',
    'root',
    'usr/bin',
    'etc/apt/sources.list.d',
    'etc/apt/keyrings',
    'etc/default',
    'etc/kubernetes/tmp',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
    'var/lib/dpkg',
    'proc',
    'sys/fs/cgroup',
    'sys/class/dmi/id',
    'var/lib/kubelet/pki',
  ];
  for (const directory of directories) mkdirSync(path(`/${directory}`), { recursive: true });
  const minor = options.version.split('.').slice(0, 2).join('.');
  const keyring = '/etc/apt/keyrings/kubernetes-apt-keyring.gpg';
  const files: Record<string, string> = {
    [keyring]: `key of v${minor}\n`,
    '/etc/apt/sources.list.d/kubernetes.list': `deb [signed-by=${keyring}] ${options.repoBase}/v${minor}/deb/ /\n`,
    '/etc/apt/sources.list': '# The distribution is not part of the rehearsal.\n',
    '/etc/default/kubelet': 'KUBELET_EXTRA_ARGS=\n',
    '/etc/kubernetes/kubelet.conf': KUBELET_CONF,
    [KUBELET_CERTIFICATE]: kubeletCertificate(options.name),
    ...systemFiles(options.role),
    '/etc/machine-id': `${machineIdOf(options.name)}\n`,
    '/var/lib/kubelet/config.yaml': 'kind: KubeletConfiguration\n',
    '/var/lib/kubelet/kubeadm-flags.env': 'KUBELET_KUBEADM_ARGS=""\n',
  };
  if (options.role === 'control-plane') {
    mkdirSync(path('/etc/kubernetes/manifests'), { recursive: true });
    mkdirSync(path('/var/lib/etcd/member/snap'), { recursive: true });
    files['/var/lib/etcd/member/snap/db'] = 'etcd data of the rehearsal\n'.repeat(200);
    files['/etc/kubernetes/admin.conf'] = 'kind: Config\n';
    for (const component of COMPONENTS) {
      const extra = component === 'kube-apiserver' ? options.extraApiServerFlags : [];
      files[`/etc/kubernetes/manifests/${component}.yaml`] = manifestOf(
        component,
        options.version,
        options.internalIp,
        extra,
      );
    }
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(path(file), text);
}

/** kubeadm's hot copy of the etcd data. */
export function copyEtcdData(machine: Machine, to: string): void {
  cpSync(machine.path('/var/lib/etcd'), machine.path(to), { recursive: true });
}
