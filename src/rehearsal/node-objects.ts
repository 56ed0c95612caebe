import { MIRROR_ANNOTATION } from './api/deletion.ts';
import type { NewObject, Node, Pod } from './api/kinds.ts';
import { timestamp } from './api/object-changes.ts';
import { nodes, pods } from './api/resources.ts';
import type { Store } from './api/store.ts';
import type { StaticPod } from './nodes/cluster-port.ts';
import { machineIdOf } from './nodes/machine.ts';
import type { TopologyNode } from './topology.ts';

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
/** Long before any settle time: a quiet baseline. */
const READY_FOR_HOURS = 48;

export interface NodeState {
  /** X.Y.Z */
  readonly kubelet: string;
  readonly containerRuntime: string;
  /** null: the node reports none. */
  readonly internalIp: string | null;
  readonly architecture: string;
}

/** A Node as its kubelet has registered it. */
export function nodeObject(node: TopologyNode, state: NodeState, now: Date): NewObject<Node> {
  const isControlPlane = node.role === 'control-plane';
  const since = timestamp(new Date(now.getTime() - READY_FOR_HOURS * 3_600_000));
  const condition = (type: string, status: string, reason: string) => ({
    type,
    status,
    reason,
    lastTransitionTime: since,
  });
  return {
    metadata: {
      name: node.name,
      labels: {
        'kubernetes.io/arch': state.architecture,
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
        ...(isControlPlane ? { [CONTROL_PLANE]: '' } : {}),
      },
    },
    spec: isControlPlane ? { taints: [{ key: CONTROL_PLANE, effect: 'NoSchedule' }] } : {},
    status: {
      addresses: [
        ...(state.internalIp === null ? [] : [{ type: 'InternalIP', address: state.internalIp }]),
        { type: 'Hostname', address: node.name },
      ],
      capacity: { cpu: '4', memory: '8Gi', pods: '110' },
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
        condition('Ready', 'True', 'KubeletReady'),
      ],
      nodeInfo: {
        architecture: state.architecture,
        containerRuntimeVersion: state.containerRuntime,
        kernelVersion: '6.12.0-amd64',
        kubeletVersion: `v${state.kubelet}`,
        machineID: machineIdOf(node.name),
        operatingSystem: 'linux',
        osImage: 'Debian GNU/Linux 13 (trixie)',
      },
    },
  };
}

/** Writes the mirror of a static pod, as the kubelet does when its manifest has changed. */
export function writeMirrorPod(store: Store, nodeName: string, pod: StaticPod): void {
  const name = mirrorName(pod.component, nodeName);
  if (store.get(pods, name, 'kube-system') !== undefined)
    store.delete(pods, name, 'kube-system', { gracePeriodSeconds: 0 });
  store.create(pods, mirrorPod(store, nodeName, pod));
}

function mirrorName(component: string, nodeName: string): string {
  return `${component}-${nodeName}`;
}

function mirrorPod(store: Store, nodeName: string, { component, image, hash }: StaticPod): NewObject<Pod> {
  const node = store.read(nodes, nodeName);
  const now = timestamp(store.now());
  const ready = (type: string) => ({ type, status: 'True', lastTransitionTime: now });
  return {
    metadata: {
      name: mirrorName(component, nodeName),
      namespace: 'kube-system',
      labels: { component, tier: 'control-plane' },
      annotations: {
        [MIRROR_ANNOTATION]: hash,
        'kubernetes.io/config.hash': hash,
        'kubernetes.io/config.source': 'file',
        ...(component === 'kube-apiserver'
          ? { 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': `${addressOf(node)}:6443` }
          : {}),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid, controller: true }],
    },
    spec: {
      nodeName,
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      tolerations: [{ effect: 'NoExecute', operator: 'Exists' }],
      containers: [{ name: component, image, command: [component] }],
    },
    status: {
      phase: 'Running',
      startTime: now,
      conditions: [ready('PodScheduled'), ready('Initialized'), ready('ContainersReady'), ready('Ready')],
      containerStatuses: [
        {
          name: component,
          ready: true,
          restartCount: 0,
          image,
          imageID: image,
          started: true,
          state: { running: { startedAt: now } },
        },
      ],
    },
  };
}

function addressOf({ status }: Node): string {
  return status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
}

/** X.Y.Z of the kube-apiserver pods, by node. */
export function apiServerVersions(store: Store): Map<string, string> {
  const versions = new Map<string, string>();
  for (const pod of store.list(pods, { namespace: 'kube-system', labels: 'component=kube-apiserver' })) {
    const tag = /:v(\d+\.\d+\.\d+)$/.exec(pod.spec.containers[0]?.image ?? '')?.[1];
    if (tag !== undefined && pod.spec.nodeName !== undefined) versions.set(pod.spec.nodeName, tag);
  }
  return versions;
}
