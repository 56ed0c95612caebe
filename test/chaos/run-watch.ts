import type { Node, Pod } from '../../src/rehearsal/api/kinds.ts';
import { nodes, pods } from '../../src/rehearsal/api/resources.ts';
import type { StoreEvent } from '../../src/rehearsal/api/store.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { apiServerVersions } from '../../src/rehearsal/node-objects.ts';
import { nothingEvicted } from '../../src/rehearsal/scenario-events.ts';

/** What must never happen, however often a Job is killed; watched while it could happen, not only at the end. */
export interface RunWatch {
  /** What did happen of it, and what the logs of commands and requests show of it at the end. */
  violations(): readonly string[];
  /** Uncordoned nodes become cordoned ones: how often, by node. */
  cordons(): ReadonlyMap<string, number>;
  close(): void;
}

export interface RunWatchOptions {
  /** Nodes that a person has cordoned before the run. */
  readonly foreignCordons: readonly string[];
  readonly target: string;
  /** No node is drained: a Job may run on the one that it changes, and nothing is evicted. */
  readonly withoutDrain?: boolean;
}

export function startRunWatch(cluster: EmbeddedCluster, options: RunWatchOptions): RunWatch {
  const { store } = cluster.server;
  const found = new Set<string>();
  const cordons = new Map<string, number>();
  /** When a node was first seen on the target and free of our cordon. */
  const finishedAt = new Map<string, string>();
  /** Where a pod of this name was, and since when: a StatefulSet gives the same name again. */
  const places: { readonly pod: string; readonly node: string; readonly since: string }[] = [];

  const watchNode = (node: Node, previous: Node | undefined): void => {
    const { name } = node.metadata;
    const was = previous?.spec.unschedulable === true;
    const is = node.spec.unschedulable === true;
    if (!was && is && previous !== undefined) cordons.set(name, (cordons.get(name) ?? 0) + 1);
    if (was && !is && options.foreignCordons.includes(name)) found.add(`the cordon of a person on ${name} was lifted`);
    if (!was && is && finishedAt.has(name)) found.add(`${name} was cordoned after it was finished`);
    if (isFinished(node) && !finishedAt.has(name)) finishedAt.set(name, store.now().toISOString());
    skewOf(node);
  };
  const isFinished = (node: Node): boolean =>
    node.status.nodeInfo?.['kubeletVersion'] === `v${options.target}` &&
    (node.spec.unschedulable !== true || options.foreignCordons.includes(node.metadata.name));
  // As the chain's own rule: kubeadm upgrades control planes one by one, kubelet included.
  const skewOf = (node: Node): void => {
    const versions = apiServerVersions(store);
    const servers = [...versions.values()].map(minorOf);
    if (servers.length === 0) return;
    const kubelet = minorOf(node.status.nodeInfo?.['kubeletVersion']?.slice(1) ?? '');
    const own = versions.get(node.metadata.name);
    if (kubelet > (own === undefined ? Math.min(...servers) : minorOf(own)))
      found.add(`the kubelet of ${node.metadata.name} is newer than an API server`);
    if (Math.max(...servers) - Math.min(...servers) > 1) found.add('API servers are more than one minor apart');
  };
  const watchPod = (pod: Pod): void => {
    const { nodeName } = pod.spec;
    if (nodeName === undefined) return;
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (places.findLast((place) => place.pod === name)?.node !== nodeName)
      places.push({ pod: name, node: nodeName, since: store.now().toISOString() });
    const drained = pod.spec.containers[0]?.env?.find(({ name }) => name === 'NODE_NAME')?.value;
    if (drained === nodeName && options.withoutDrain !== true)
      found.add(`the Job of ${drained} ran on its own drain target`);
  };
  const close = store.subscribe(({ resource, object, previous, type }: StoreEvent) => {
    if (type === 'DELETED') return;
    if (resource === nodes) watchNode(object as Node, previous as Node | undefined);
    if (resource === pods) watchPod(object as Pod);
  });
  return {
    violations: () => [
      ...found,
      ...lateEvictions(cluster, places, finishedAt),
      ...repeatedCommands(cluster),
      ...(options.withoutDrain === true ? nothingEvicted(cluster) : []),
    ],
    cordons: () => cordons,
    close,
  };
}

function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}

/** A second drain of a finished node: an eviction on it after it was finished. */
function lateEvictions(
  { server }: EmbeddedCluster,
  places: readonly { readonly pod: string; readonly node: string; readonly since: string }[],
  finishedAt: ReadonlyMap<string, string>,
): readonly string[] {
  return server.requests.records.flatMap(({ method, path, at }) => {
    const [, namespace, name] = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction$/.exec(path) ?? [];
    if (method !== 'POST' || name === undefined) return [];
    const node = places.findLast(({ pod, since }) => pod === `${namespace}/${name}` && since <= at)?.node ?? '';
    const end = finishedAt.get(node);
    return end !== undefined && at > end ? [`${namespace}/${name} was evicted from ${node} after it was finished`] : [];
  });
}

/** kubeadm upgrade succeeds once on each node, and is not started again after that. */
function repeatedCommands({ nodes: { commands, nodes: all } }: EmbeddedCluster): readonly string[] {
  return all.flatMap(({ name }) => {
    const runs = commands.matching(/^kubeadm upgrade (apply|node)/, name);
    const successes = runs.filter(({ exitCode }) => exitCode === 0);
    const first = successes[0];
    const later = first === undefined ? [] : runs.slice(runs.indexOf(first) + 1);
    return [
      ...(successes.length === 1 ? [] : [`kubeadm upgrade succeeded ${successes.length} times on ${name}`]),
      ...later.map(({ argv }) => `${name} ran ${argv.join(' ')} after it had succeeded`),
    ];
  });
}
