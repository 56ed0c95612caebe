import { z } from 'zod';
import { NodeFact, type NodeOutline } from '../facts/node-fact.ts';
import { oldestVersion, parseVersion } from '../version.ts';
import type { RecordKeys } from './kube-context.ts';
import { unreadableAnswer } from './kube-error.ts';
import { instant, ObjectMeta } from './kube-object.ts';
import { parseResources } from './quantity.ts';

export const Node = z.object({
  metadata: ObjectMeta,
  spec: z
    .object({
      unschedulable: z.boolean().optional(),
      taints: z
        .array(
          // Loose: a list of taints is written back as a whole.
          z.looseObject({
            key: z.string(),
            value: z.string().optional(),
            effect: NodeFact.shape.taints.element.shape.effect,
          }),
        )
        .nullish(),
    })
    .default({}),
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), lastTransitionTime: z.string().nullish() }))
        .default([]),
      allocatable: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
      addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
      nodeInfo: z
        .object({
          kubeletVersion: z.string().default(''),
          machineID: z.string().default(''),
          architecture: z.string().default(''),
          osImage: z.string().default(''),
          operatingSystem: z.string().default(''),
          kernelVersion: z.string().default(''),
          containerRuntimeVersion: z.string().default(''),
        })
        .prefault({}),
    })
    .prefault({}),
});

export type Node = z.infer<typeof Node>;

export const StaticPod = z.object({
  metadata: ObjectMeta,
  spec: z.object({
    nodeName: z.string().optional(),
    containers: z.array(z.object({ name: z.string(), image: z.string() })),
  }),
});

/** Of a pod that stands for a static one: its kubelet has written it. */
export const MIRROR = 'kubernetes.io/config.mirror';
/** Written by kubeadm at join; taken away by its upgrade to 1.34. */
const CRI_SOCKET = 'kubeadm.alpha.kubernetes.io/cri-socket';
/** Whether the label is there is all that a service controller looks at. */
export const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';
export const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

/** As kubectl shows a node, or the node itself from a server that knows no tables. */
export const NodeRow = z.union([
  z.object({ cells: z.array(z.unknown()), object: z.object({ metadata: ObjectMeta }) }),
  Node,
]);

export interface ApiServers {
  /** X.Y.Z by node. */
  readonly versions: ReadonlyMap<string, string | null>;
  /** Nodes that run one as a static pod. */
  readonly mirrors: ReadonlySet<string>;
}

export interface Judged {
  readonly node: Node;
  readonly isControlPlane: boolean;
  /** Why it is not ours; undefined for one that is. */
  readonly foreign: string | undefined;
  readonly apiServer: string | null;
}

type Row = Extract<z.infer<typeof NodeRow>, { cells: unknown }>;

/** What `kubectl get nodes` shows of a node (`printNode` in pkg/printers/internalversion). @throws ClusterError without these columns. */
export function nodeOfRow(
  { cells, object: { metadata } }: Row,
  columns: Readonly<Record<'status' | 'version' | 'runtime', number | undefined>>,
  server: string,
): Node {
  const text = (column: number | undefined): string => {
    const cell = column === undefined ? undefined : cells[column];
    if (typeof cell === 'string') return cell;
    throw unreadableAnswer(
      'listing the nodes',
      server,
      'the table of nodes lacks one of the columns Status, Version and Container-Runtime',
    );
  };
  const said = text(columns.status).split(',');
  return {
    metadata,
    spec: { unschedulable: said.includes('SchedulingDisabled') },
    status: {
      conditions: [{ type: 'Ready', status: said[0] === 'Ready' ? 'True' : 'Unknown' }],
      addresses: [],
      nodeInfo: {
        ...NO_INFO,
        kubeletVersion: text(columns.version),
        operatingSystem: metadata.labels[OS] ?? '',
        containerRuntimeVersion: text(columns.runtime).replace('<unknown>', ''),
      },
    },
  };
}

const OS = 'kubernetes.io/os';
/** By which virtual kubelets name themselves. */
const TYPE = 'type';
const NO_META = { namespace: '', uid: '', resourceVersion: '' };
const NO_INFO = {
  kubeletVersion: '',
  machineID: '',
  architecture: '',
  osImage: '',
  operatingSystem: '',
  kernelVersion: '',
  containerRuntimeVersion: '',
};

/** What stands on a node of what was begun with it: each is an annotation, a field of the node, and a field of its outline. */
const MARKS = ['cordonedBy', 'unfinished', 'finished', 'failed', 'pendingSince', 'excludedSince'] as const;
type Marks = Pick<NodeFact, (typeof MARKS)[number]>;

/** As much of a node as its outline goes by: of thousands, the annotations of others are most of what is held. */
export function leanNode({ metadata, spec, status }: Node, keys: RecordKeys): Node {
  const { name, labels, annotations } = metadata;
  const found = MARKS.map((mark) => keys[mark]).filter((key) => annotations[key] !== undefined);
  const ours = Object.fromEntries(found.map((key) => [key, annotations[key] ?? '']));
  return { metadata: { ...NO_META, name, labels, annotations: ours }, spec, status };
}

export function outlineOf(node: NodeFact): NodeOutline {
  const { name, role, kubelet, apiServer, ready, schedulable, labels } = node;
  const marks = Object.fromEntries(MARKS.map((mark) => [mark, node[mark]])) as Marks;
  return { name, role, kubelet, apiServer, ready, schedulable, ...marks, labels };
}

/** X.Y.Z of the kube-apiserver on each node. A digest or a tag that is no release is no version: the node gets null. */
export function apiServerVersions(pods: readonly z.infer<typeof StaticPod>[]): Map<string, string | null> {
  const versions = new Map<string, string | null>();
  for (const { metadata, spec } of pods) {
    if (spec.nodeName === undefined || typeof metadata.deletionTimestamp === 'string') continue;
    const image = spec.containers.find(({ name }) => name === 'kube-apiserver')?.image ?? '';
    const tag = /:([^/:@]+)(?:@[^@]*)?$/.exec(image)?.[1];
    const version = image.includes('@') || tag === undefined ? null : (parseVersion(tag) ?? null);
    const other = versions.get(spec.nodeName);
    // Two at once while one replaces the other: the older one counts, and an unreadable one makes it unknown.
    const both =
      other === undefined || version === null || other === null ? version : (oldestVersion([other, version]) ?? null);
    versions.set(spec.nodeName, other === null ? null : both);
  }
  return versions;
}

/** Of kubelets that come with a distribution of their own, which no package of Kubernetes upgrades. */
const DISTRIBUTION = /^v?\d+\.\d+\.\d+[-+].*(k3s|rke2|eks|gke|aks|vk-|k0s|virtual)/i;

/** Why a worker is not upgraded by us: no kubeadm, apt or SSH of ours is there. undefined for one that is. */
export function whyForeign(
  { metadata, spec, status }: Node,
  excluded: Readonly<Record<string, string>>,
): string | undefined {
  const { kubeletVersion, operatingSystem, containerRuntimeVersion } = status.nodeInfo;
  const labels = Object.entries(excluded);
  if (labels.length > 0 && labels.every(([key, value]) => metadata.labels[key] === value))
    return `nodes.exclude names its label ${labels.map(([key, value]) => `${key}=${value}`).join(',')}`;
  if (operatingSystem === 'windows') return 'it runs Windows';
  const isVirtual =
    metadata.labels[TYPE] === 'virtual-kubelet' ||
    spec.taints?.some(({ key }) => /^virtual-(kubelet|node)\./.test(key)) === true ||
    (metadata.labels[TYPE] === 'virtual-node' && containerRuntimeVersion === '');
  if (isVirtual) return 'it is a virtual kubelet';
  if (DISTRIBUTION.test(kubeletVersion)) return `its kubelet ${kubeletVersion} comes with another distribution`;
  return undefined;
}

export function nodeFact(
  { metadata, spec, status }: Node,
  kubelet: string,
  apiServer: string | null,
  isControlPlane: boolean,
  keys: RecordKeys,
): NodeFact {
  const condition = (type: string) => status.conditions.find((one) => one.type === type);
  const ready = condition('Ready');
  return {
    name: metadata.name,
    role: isControlPlane ? 'control-plane' : 'worker',
    kubelet,
    apiServer,
    internalIp: status.addresses.find(({ type }) => type === 'InternalIP')?.address ?? null,
    ready: ready?.status === 'True' ? 'yes' : ready?.status === 'False' ? 'no' : 'unknown',
    readySince: instant(ready?.lastTransitionTime),
    memoryPressure: condition('MemoryPressure')?.status === 'True',
    diskPressure: condition('DiskPressure')?.status === 'True',
    schedulable: spec.unschedulable !== true,
    ...(Object.fromEntries(MARKS.map((mark) => [mark, metadata.annotations[keys[mark]] ?? null])) as Marks),
    taints: (spec.taints ?? []).map(({ key, value, effect }) => ({
      key,
      effect,
      ...(value === undefined ? {} : { value }),
    })),
    labels: metadata.labels,
    allocatable: parseResources(status.allocatable),
    machineId: status.nodeInfo.machineID,
    criSocket: metadata.annotations[CRI_SOCKET] ?? null,
    architecture: status.nodeInfo.architecture,
    osImage: status.nodeInfo.osImage,
    kernel: status.nodeInfo.kernelVersion,
    containerRuntime: status.nodeInfo.containerRuntimeVersion,
    createdAt: instant(metadata.creationTimestamp) ?? new Date(0).toISOString(),
  };
}
