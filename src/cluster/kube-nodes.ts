import { z } from 'zod';
import type { NodeFact, NodeOutline } from '../facts/node-fact.ts';
import { parseVersion } from '../version.ts';
import type { Cluster, HeldSince } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { unreadableAnswer } from './kube-error.ts';
import type { TableFold } from './kube-list.ts';
import { AnyObject, onConflictAgain, orUndefined } from './kube-object.ts';
import {
  type ApiServers,
  apiServerVersions,
  CONTROL_PLANE,
  EXCLUDED,
  type Judged,
  leanNode,
  MIRROR,
  Node,
  NodeRow,
  nodeFact,
  nodeOfRow,
  outlineOf,
  StaticPod,
  whyForeign,
} from './node-object.ts';

const Held = z.record(z.string(), z.iso.datetime());

type NodeCalls = Pick<
  Cluster,
  | 'nodes'
  | 'node'
  | 'controlPlanes'
  | 'outlines'
  | 'otherNodes'
  | 'cordon'
  | 'uncordon'
  | 'mark'
  | 'markUnfinished'
  | 'markFailed'
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

  const isPending = ({ key, effect }: { readonly key: string; readonly effect: string }): boolean =>
    key === keys.pending && effect === 'PreferNoSchedule';

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

  /** Of thousands of nodes nothing is held that an outline does not go by. */
  const lean = (node: Node): Node => leanNode(node, keys);

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
      const fold: TableFold<z.infer<typeof NodeRow>, Node[]> = {
        start: () => [],
        see: (nodes, row, column) => {
          const columns = {
            status: column('Status'),
            version: column('Version'),
            runtime: column('Container-Runtime'),
          };
          nodes.push(lean('cells' in row ? nodeOfRow(row, columns, client.server) : row));
        },
      };
      const query = { includeObject: 'Metadata' };
      const [nodes, apiServers] = await Promise.all([
        client.table({ doing, path: '/api/v1/nodes', query }, NodeRow, fold, signal),
        readApiServers(signal),
      ]);
      const found: NodeOutline[] = [];
      for (const node of nodes) {
        const one = judged(node, apiServers);
        if (one.foreign !== undefined) continue;
        // A node whose taint alone says that it is no kubelet may have any version.
        const isReadable = parseVersion(one.node.status.nodeInfo.kubeletVersion) !== undefined;
        const own = isReadable ? ours(one) : await readOne(one.node.metadata.name, signal);
        if (own !== undefined) found.push(outlineOf(own));
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

    mark(name, as, at, signal) {
      const doing = `marking node ${name} as ${as}`;
      return onConflictAgain(async () => {
        const node = await orUndefined(read(name, doing, signal));
        if (node === undefined) return;
        // An outline does not tell all of what is not ours.
        if (as === 'pending' && whyForeign(node, excludedNodes) !== undefined) return;
        const { metadata, spec } = node;
        const taints = spec.taints ?? [];
        // What somebody else has set is not ours to write down, and so not to take away.
        const isThere = as === 'excluded' ? metadata.labels[EXCLUDED] !== undefined : taints.some(isPending);
        if (isThere) return;
        const { resourceVersion } = metadata;
        const body =
          as === 'excluded'
            ? {
                metadata: {
                  resourceVersion,
                  annotations: { [keys.excludedSince]: at },
                  labels: { [EXCLUDED]: '' },
                },
              }
            : {
                metadata: { resourceVersion, annotations: { [keys.pendingSince]: at } },
                spec: { taints: [...taints, { key: keys.pending, effect: 'PreferNoSchedule' }] },
              };
        await patch(name, doing, body, signal);
      });
    },

    async markUnfinished(name, target, signal, finished) {
      const doing = `marking node ${name}`;
      const before = { [keys.heldSince]: null, [keys.failed]: null, [keys.finished]: finished ?? null };
      await patch(name, doing, { metadata: { annotations: { [keys.unfinished]: target, ...before } } }, signal);
    },

    async markFailed(name, failure, signal) {
      await patch(
        name,
        `marking node ${name} as failed`,
        { metadata: { annotations: { [keys.failed]: failure } } },
        signal,
      );
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
        const has = (key: string): boolean => metadata.annotations[key] !== undefined;
        // Without our record cordon, taint and label are a person's (D08).
        const records = [keys.cordonedBy, keys.heldSince, keys.pendingSince, keys.excludedSince].filter(has);
        if (records.length === 0) return;
        const taints = (spec.taints ?? []).filter((taint) => !isPending(taint));
        await patch(
          name,
          doing,
          {
            metadata: {
              resourceVersion: metadata.resourceVersion,
              annotations: Object.fromEntries(records.map((key) => [key, null])),
              ...(has(keys.excludedSince) ? { labels: { [EXCLUDED]: null } } : {}),
            },
            spec: {
              ...(has(keys.cordonedBy) && spec.unschedulable === true ? { unschedulable: null } : {}),
              ...(has(keys.pendingSince) ? { taints: taints.length === 0 ? null : taints } : {}),
            },
          },
          signal,
        );
      });
    },
  };
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
