/** A workload that is there for its image: the addon matrix looks at it. */
export interface AddonWorkload {
  readonly kind: 'Deployment' | 'DaemonSet';
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
}

/** What an embedded cluster looks like before its first night. */
export interface Topology {
  readonly controlPlanes: number;
  readonly workers: number;
  /** X.Y.Z that every node is on. */
  readonly version: string;
  /** Versions that the package feed has beside that one. */
  readonly published: readonly string[];
  readonly addons?: readonly AddonWorkload[];
  /** The applications may run on control planes too; always so with one worker, which could not be drained otherwise, and with none. */
  readonly applicationsEverywhere?: boolean;
  /** Names instead of control-1, worker-1 …, control planes first. */
  readonly names?: readonly string[];
  /** Debian versions of containerd. */
  readonly containerd?: { readonly controlPlanes?: string; readonly workers?: string };
  /** Flags in the kube-apiserver manifests that kubeadm-config does not know (I18). */
  readonly extraApiServerFlags?: readonly string[];
}

export interface TopologyNode {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly containerd: string;
}

const CONTAINERD = '2.2.1-1';

/** The nodes of a topology, control planes first. */
export function topologyNodes(topology: Topology): readonly TopologyNode[] {
  const { controlPlanes, workers, names = [], containerd = {} } = topology;
  const roles = [
    ...Array<'control-plane'>(controlPlanes).fill('control-plane'),
    ...Array<'worker'>(workers).fill('worker'),
  ];
  return roles.map((role, index) => {
    const number = role === 'control-plane' ? index + 1 : index - controlPlanes + 1;
    return {
      name: names[index] ?? `${role === 'control-plane' ? 'control' : 'worker'}-${number}`,
      role,
      containerd: (role === 'control-plane' ? containerd.controlPlanes : containerd.workers) ?? CONTAINERD,
    };
  });
}
