import { NightliftError } from '../errors.ts';
import { parseDebianVersion } from '../version.ts';

export interface PackageState {
  /** Debian version, as it stands in dpkg's database. */
  readonly package: string;
  /** X.Y.Z; undefined when the package is not one of the Kubernetes project. */
  readonly version: string | undefined;
  readonly held: boolean;
  /** false when dpkg was interrupted. */
  readonly installed: boolean;
}

export interface BackupState {
  readonly path: string;
  readonly bytes: number;
}

/** What node-state.sh saw on a node. */
export interface NodeState {
  /** By name: kubeadm, kubelet, kubectl, containerd, containerd.io; absent ones are not there. */
  readonly packages: ReadonlyMap<string, PackageState>;
  /** Image by static pod: kube-apiserver, etcd … Empty on a worker. */
  readonly manifests: ReadonlyMap<string, string>;
  /** "file: line" of every Kubernetes apt source. */
  readonly sources: readonly string[];
  readonly freeBytes: { readonly root: number; readonly var: number; readonly etcd: number | undefined };
  readonly etcdBytes: number | undefined;
  /** Versions whose packages lie ready. */
  readonly staged: readonly string[];
  /** Versions for which kubeadm has done its part here. */
  readonly kubeadmDone: readonly string[];
  /** Versions for which the apt source was changed and the upgrade has not ended. */
  readonly sourceChanged: readonly string[];
  /** Images that a staged version needs. */
  readonly images: ReadonlyMap<string, readonly string[]>;
  /** systemd's ActiveState by unit. */
  readonly units: ReadonlyMap<string, string>;
  readonly backups: readonly BackupState[];
  /** systemd's word for the kubelet: active, activating, inactive, failed. */
  readonly kubelet: string;
}

/** @throws NightliftError (node) for output that is not that of node-state.sh. */
export function parseNodeState(output: string): NodeState {
  const packages = new Map<string, PackageState>();
  const manifests = new Map<string, string>();
  const images = new Map<string, string[]>();
  const units = new Map<string, string>();
  const lists: Record<'source' | 'staged' | 'kubeadm-done' | 'source-changed', string[]> = {
    source: [],
    staged: [],
    'kubeadm-done': [],
    'source-changed': [],
  };
  const numbers = new Map<string, number>();
  const backups: BackupState[] = [];
  let kubelet: string | undefined;
  for (const line of output.split('\n')) {
    const at = line.indexOf('\t');
    if (at < 0) continue;
    const key = line.slice(0, at);
    const value = line.slice(at + 1);
    const [group = '', ...rest] = key.split('.');
    const name = rest.join('.');
    if (group === 'package') packages.set(name, packageState(value));
    else if (group === 'manifest') manifests.set(name, value);
    else if (group === 'unit') units.set(name, value);
    else if (group === 'free' || key === 'etcd.bytes') numbers.set(key, byteCount(key, value));
    else if (key === 'source' || key === 'staged' || key === 'kubeadm-done' || key === 'source-changed')
      lists[key].push(value);
    else if (key === 'image') {
      const [version = '', image = ''] = value.split(' ');
      images.set(version, [...(images.get(version) ?? []), image]);
    } else if (key === 'backup') {
      const [path = '', bytes = ''] = value.split(' ');
      backups.push({ path, bytes: byteCount(key, bytes) });
    } else if (key === 'kubelet') kubelet = value;
  }
  const root = numbers.get('free.root');
  const variable = numbers.get('free.var');
  // The script ends with the kubelet: without it the rest may be missing too.
  if (kubelet === undefined || root === undefined || variable === undefined) {
    throw new NightliftError(
      'node',
      `reading the state of the node: the answer is not complete: ${output.slice(-200).trim() || 'empty'}`,
      {
        remedy: 'See what node-state.sh prints on the node; an edited copy must print every key.',
      },
    );
  }
  return {
    packages,
    manifests,
    sources: lists.source,
    freeBytes: { root, var: variable, etcd: numbers.get('free.etcd') },
    etcdBytes: numbers.get('etcd.bytes'),
    staged: lists.staged,
    kubeadmDone: lists['kubeadm-done'],
    sourceChanged: lists['source-changed'],
    images,
    units,
    backups,
    kubelet,
  };
}

/**
 * Whether the etcd of this control plane is the one that the target brings: only then may an upgrade go on without etcd
 * (I06). What was not seen, as on a node where the target was never staged, is no proof.
 */
export function etcdImageStays(state: NodeState, target: string): boolean {
  const image = state.manifests.get('etcd');
  return image !== undefined && state.images.get(target)?.includes(image) === true;
}

function packageState(value: string): PackageState {
  const [version = '', want = '', status = ''] = value.split(' ');
  return {
    package: version,
    version: parseDebianVersion(version)?.version,
    held: want === 'hold',
    installed: status === 'installed',
  };
}

function byteCount(key: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  throw new NightliftError('node', `reading the state of the node: ${key} is "${value}", not a number of bytes`, {
    remedy: 'See what df and du print on the node.',
  });
}
