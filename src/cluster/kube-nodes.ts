import { z } from 'zod';
import { NodeFact, type NodeOutline } from '../facts/node-fact.ts';
import { oldestVersion, parseVersion } from '../version.ts';
import type { Cluster, HeldSince } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext, RecordKeys } from './kube-context.ts';
import { unreadableAnswer } from './kube-error.ts';
import { AnyObject, instant, ObjectMeta, onConflictAgain, orUndefined } from './kube-object.ts';
import { parseResources } from './quantity.ts';

const Node = z.object({
  metadata: ObjectMeta,
  spec: z
    .object({
      unschedulable: z.boolean().optional(),
      taints: z
        .array(
          z.object({
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

type Node = z.infer<typeof Node>;

const StaticPod = z.object({
  metadata: ObjectMeta,
  spec: z.object({
    nodeName: z.string().optional(),
    containers: z.array(z.object({ name: z.string(), image: z.string() })),
  }),
});

/** Of a pod that stands for a static one: its kubelet has written it. */
const MIRROR = 'kubernetes.io/config.mirror';
/** Written by kubeadm at join; taken away by its upgrade to 1.34. */
const CRI_SOCKET = 'kubeadm.alpha.kubernetes.io/cri-socket';
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

const Held = z.record(z.string(), z.iso.datetime());

/** As kubectl shows a node, or the node itself from a server that knows no tables. */
const NodeRow = z.union([z.object({ cells: z.array(z.unknown()), object: z.object({ metadata: ObjectMeta }) }), Node]);

type NodeCalls = Pick<
  Cluster,
  | 'nodes'
  | 'node'
  | 'controlPlanes'
  | 'outlines'
  | 'otherNodes'
  | 'cordon'
  | 'uncordon'
  | 'markUnfinished'
  | 'heldSince'
  | 'writeHeldSince'
>;

export function kubeNodes({ client, keys, excludedNodes }: KubeContext): NodeCalls {
  const patch = (node: string, doing: string, body: unknown, signal: AbortSignal) =>
    client.object(
      { doing, method: 'PATCH', path: apiPath`/api/v1/nodes/${node}`, patch: 'merge', body },
      AnyObject,
      signal,
    );
  const read = (node: string, doing: string, signal: AbortSignal) =>
    client.object({ doing, path: apiPath`/api/v1/nodes/${node}` }, Node, signal);

  const doing = 'listing the nodes';
  const readApiServers = async (signal: AbortSignal, node?: string): Promise<ApiServers> => {
    const pods = await client.list(
      {
        doing: 'listing the kube-apiserver pods',
        path: '/api/v1/namespaces/kube-system/pods',
        query: {
          labelSelector: 'component=kube-apiserver',
          ...(node === undefined ? {} : { fieldSelector: `spec.nodeName=${node}` }),
        },
      },
      StaticPod,
      signal,
    );
    return {
      versions: apiServerVersions(pods),
      mirrors: new Set(
        pods.flatMap(({ metadata, spec }) => (metadata.annotations[MIRROR] === undefined ? [] : (spec.nodeName ?? []))),
      ),
    };
  };
  const judged = (node: Node, { versions, mirrors }: ApiServers): Judged => {
    // Some take the label away for their load balancer; what runs an API server is a control plane all the same.
    const isControlPlane = node.metadata.labels[CONTROL_PLANE] !== undefined || mirrors.has(node.metadata.name);
    const foreign = isControlPlane ? undefined : whyForeign(node, excludedNodes);
    return { node, isControlPlane, foreign, apiServer: versions.get(node.metadata.name) ?? null };
  };
  /** undefined for a node that is not ours. @throws ClusterError for one of ours that does not say its version. */
  const ours = ({ node, isControlPlane, foreign, apiServer }: Judged): NodeFact | undefined => {
    if (foreign !== undefined) return undefined;
    const kubelet = parseVersion(node.status.nodeInfo.kubeletVersion);
    if (kubelet !== undefined) return nodeFact(node, kubelet, apiServer, isControlPlane, keys);
    throw unreadableAnswer(
      `${doing}: reading node ${node.metadata.name}`,
      client.server,
      `its kubelet version is "${node.status.nodeInfo.kubeletVersion}", which is no release X.Y.Z`,
      undefined,
      `See kubectl describe node ${node.metadata.name}: a node that never joined has none. A worker that is not to be upgraded: nodes.exclude.`,
    );
  };
  const listAll = async (signal: AbortSignal): Promise<readonly Judged[]> => {
    const [nodes, apiServers] = await Promise.all([
      client.list({ doing, path: '/api/v1/nodes' }, Node, signal),
      readApiServers(signal),
    ]);
    return nodes.map((node) => judged(node, apiServers));
  };
  const readOne = async (name: string, signal: AbortSignal): Promise<NodeFact | undefined> => {
    const [node, apiServers] = await Promise.all([
      orUndefined(read(name, `reading node ${name}`, signal)),
      readApiServers(signal, name),
    ]);
    return node === undefined ? undefined : ours(judged(node, apiServers));
  };

  let asking: { readonly signal: AbortSignal; readonly answer: Promise<readonly Judged[]> } | undefined;
  /** Ours and the others are asked for at once: one list is the answer to both. */
  const list = (signal: AbortSignal): Promise<readonly Judged[]> => {
    if (asking?.signal === signal) return asking.answer;
    const answer = listAll(signal).finally(() => {
      if (asking?.answer === answer) asking = undefined;
    });
    asking = { signal, answer };
    return answer;
  };

  return {
    async nodes(signal) {
      return (await list(signal)).flatMap((one) => ours(one) ?? []);
    },

    node: readOne,

    async controlPlanes(signal) {
      const query = { labelSelector: CONTROL_PLANE };
      const [labelled, apiServers] = await Promise.all([
        client.list({ doing: 'listing the control planes', path: '/api/v1/nodes', query }, Node, signal),
        readApiServers(signal),
      ]);
      const names = new Set(labelled.map(({ metadata }) => metadata.name));
      const others = [...apiServers.mirrors].filter((name) => !names.has(name));
      const unlabelled = await Promise.all(
        others.map((name) => orUndefined(read(name, `reading control plane ${name}`, signal))),
      );
      return [...labelled, ...unlabelled].flatMap((node) =>
        node === undefined ? [] : (ours(judged(node, apiServers)) ?? []),
      );
    },

    async outlines(signal) {
      const [table, apiServers] = await Promise.all([
        client.table({ doing, path: '/api/v1/nodes', query: { includeObject: 'Metadata' } }, NodeRow, signal),
        readApiServers(signal),
      ]);
      const columns = {
        status: table.column('Status'),
        version: table.column('Version'),
        runtime: table.column('Container-Runtime'),
      };
      const found: NodeOutline[] = [];
      for (const row of table.rows) {
        const one = judged('cells' in row ? nodeOfRow(row, columns, client.server) : row, apiServers);
        if (one.foreign !== undefined) continue;
        // A node whose taint alone says that it is no kubelet may have any version.
        const isReadable = parseVersion(one.node.status.nodeInfo.kubeletVersion) !== undefined;
        const node = isReadable ? ours(one) : await readOne(one.node.metadata.name, signal);
        if (node !== undefined) found.push(outlineOf(node));
      }
      return found;
    },

    async otherNodes(signal) {
      return (await list(signal)).flatMap(({ node, foreign }) =>
        foreign === undefined
          ? []
          : [{ name: node.metadata.name, kubelet: node.status.nodeInfo.kubeletVersion, why: foreign }],
      );
    },

    cordon(name, by, signal) {
      const doing = `cordoning node ${name}`;
      return onConflictAgain(async () => {
        const { metadata, spec } = await read(name, doing, signal);
        // Cordoned already: by us, and the first record stays; or by a person, whose cordon is not ours to lift (D08).
        if (spec.unschedulable === true) return;
        await patch(
          name,
          doing,
          {
            metadata: {
              resourceVersion: metadata.resourceVersion,
              annotations: { [keys.cordonedBy]: by, [keys.heldSince]: null },
            },
            spec: { unschedulable: true },
          },
          signal,
        );
      });
    },

    async markUnfinished(name, target, signal) {
      const doing = `marking node ${name}`;
      const annotations = { [keys.unfinished]: target, [keys.heldSince]: null };
      await patch(name, doing, { metadata: { annotations } }, signal);
    },

    async heldSince(name, signal) {
      const { metadata } = await read(name, `reading which pods of ${name} are held`, signal);
      return parseHeld(metadata.annotations[keys.heldSince]);
    },

    async writeHeldSince(name, held, signal) {
      const doing = `recording which pods of ${name} are held`;
      await patch(name, doing, { metadata: { annotations: { [keys.heldSince]: JSON.stringify(held) } } }, signal);
    },

    uncordon(name, signal) {
      const doing = `uncordoning node ${name}`;
      return onConflictAgain(async () => {
        const { metadata, spec } = await read(name, doing, signal);
        // Without our record the cordon is a person's (D08).
        const isOurs = metadata.annotations[keys.cordonedBy] !== undefined;
        if (!isOurs && metadata.annotations[keys.heldSince] === undefined) return;
        await patch(
          name,
          doing,
          {
            metadata: {
              resourceVersion: metadata.resourceVersion,
              annotations: { [keys.cordonedBy]: null, [keys.heldSince]: null },
            },
            ...(isOurs && spec.unschedulable === true ? { spec: { unschedulable: null } } : {}),
          },
          signal,
        );
      });
    },
  };
}

interface ApiServers {
  /** X.Y.Z by node. */
  readonly versions: ReadonlyMap<string, string | null>;
  /** Nodes that run one as a static pod. */
  readonly mirrors: ReadonlySet<string>;
}

interface Judged {
  readonly node: Node;
  readonly isControlPlane: boolean;
  /** Why it is not ours; undefined for one that is. */
  readonly foreign: string | undefined;
  readonly apiServer: string | null;
}

type Row = Extract<z.infer<typeof NodeRow>, { cells: unknown }>;

/** What `kubectl get nodes` shows of a node (`printNode` in pkg/printers/internalversion). @throws ClusterError without these columns. */
function nodeOfRow(
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
const NO_INFO = {
  kubeletVersion: '',
  machineID: '',
  architecture: '',
  osImage: '',
  operatingSystem: '',
  kernelVersion: '',
  containerRuntimeVersion: '',
};

function outlineOf(node: NodeFact): NodeOutline {
  const { name, role, kubelet, apiServer, ready, schedulable, cordonedBy, unfinished } = node;
  return { name, role, kubelet, apiServer, ready, schedulable, cordonedBy, unfinished };
}

/** A record that cannot be read is none: the clocks then start anew, and nothing is deleted too early. */
function parseHeld(text: string | undefined): HeldSince {
  if (text === undefined) return {};
  try {
    return Held.parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** X.Y.Z of the kube-apiserver on each node. A digest or a tag that is no release is no version: the node gets null. */
function apiServerVersions(pods: readonly z.infer<typeof StaticPod>[]): Map<string, string | null> {
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
function whyForeign({ metadata, spec, status }: Node, excluded: Readonly<Record<string, string>>): string | undefined {
  const { kubeletVersion, operatingSystem, containerRuntimeVersion } = status.nodeInfo;
  const labels = Object.entries(excluded);
  if (labels.length > 0 && labels.every(([key, value]) => metadata.labels[key] === value))
    return `nodes.exclude names its label ${labels.map(([key, value]) => `${key}=${value}`).join(',')}`;
  if (operatingSystem === 'windows') return 'it runs Windows';
  const isVirtual =
    metadata.labels['type'] === 'virtual-kubelet' ||
    spec.taints?.some(({ key }) => /^virtual-(kubelet|node)\./.test(key)) === true ||
    (metadata.labels['type'] === 'virtual-node' && containerRuntimeVersion === '');
  if (isVirtual) return 'it is a virtual kubelet';
  if (DISTRIBUTION.test(kubeletVersion)) return `its kubelet ${kubeletVersion} comes with another distribution`;
  return undefined;
}

function nodeFact(
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
    cordonedBy: metadata.annotations[keys.cordonedBy] ?? null,
    unfinished: metadata.annotations[keys.unfinished] ?? null,
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
