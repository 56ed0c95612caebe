import { parse } from 'yaml';
import {
  configMaps,
  daemonSets,
  deployments,
  jobs,
  namespaces,
  nodes as nodeResource,
  pods,
  statefulSets,
} from '../../src/rehearsal/api/resources.ts';
import { isOver, jobViews, nodeViews } from '../../src/rehearsal/cluster-view.ts';
import { NAMESPACE } from '../../src/rehearsal/deployment-objects.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';

const GAUGES = [
  'k8s_upgrade_in_flight',
  'k8s_upgrade_started_timestamp',
  'k8s_upgrade_snapshot_taken',
  'k8s_upgrade_blocked',
  'k8s_upgrade_held',
];

/** How long the API server was away is another time. */
const AWAY = '-api-away';
/** When an inventory was taken. */
const TIME = /(?<="at":")[^"]+/;

/** All that a night leaves behind, without times and random names: two nights that ended alike give the same. */
export function clusterState(cluster: EmbeddedCluster): unknown {
  const { store } = cluster.server;
  const ours = (all: Readonly<Record<string, string>> | undefined) =>
    Object.fromEntries(
      Object.entries(all ?? {})
        .filter(([key]) => key.startsWith('nightlift') && !key.endsWith(AWAY))
        .map(([key, value]) => [key, value.replace(TIME, 'TIME')]),
    );
  return {
    nodes: nodeViews(cluster).map((view) => {
      const { machine, staticPods } = cluster.nodes.node(view.name);
      return {
        ...view,
        marks: ours(store.read(nodeResource, view.name).metadata.annotations),
        labels: store.read(nodeResource, view.name).metadata.labels,
        taints: (store.read(nodeResource, view.name).spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`),
        packages: [...machine.packages].map(
          ([name, { version, held, status }]) => `${name} ${version} ${status}${held ? ' held' : ''}`,
        ),
        kubelet: machine.kubelet,
        manifests: staticPods().map(({ component, image }) => `${component} ${image}`),
        mirrors: store
          .list(pods, { namespace: 'kube-system', labels: 'tier=control-plane' })
          .filter(({ spec }) => spec.nodeName === view.name)
          .map(({ spec }) => spec.containers[0]?.image),
      };
    }),
    kubeadmConfig: (
      parse(store.read(configMaps, 'kubeadm-config', 'kube-system').data?.['ClusterConfiguration'] ?? '') as Record<
        string,
        unknown
      >
    )['kubernetesVersion'],
    workloads: [deployments, statefulSets, daemonSets].flatMap((resource) =>
      store.list(resource).map(({ metadata, spec, status }) => ({
        name: `${metadata.namespace}/${metadata.name}`,
        replicas: spec.replicas,
        ready: status['readyReplicas'] ?? status['numberReady'],
        images: spec.template.spec.containers.map(({ image }) => image),
        marks: ours(metadata.annotations),
      })),
    ),
    run: ours(store.read(namespaces, NAMESPACE).metadata.annotations),
    gauges: Object.fromEntries(GAUGES.map((name) => [name, cluster.pushgateway.value('k8s-version-upgrade', name)])),
    openJobs: store
      .list(jobs)
      .filter(({ status }) => !isOver(status.conditions))
      .map(({ metadata }) => metadata.name),
    chain: jobViews(cluster)
      .filter(({ phase }) => ['preflight', 'master', 'worker', 'postflight'].includes(phase))
      .map(({ name, status, node }) => `${name} ${status} ${node ?? ''}`)
      .toSorted(),
  };
}

/** Records of commands that were not cleaned up: 'control-2: nightlift-stage-…'. */
export function unitsLeft(cluster: EmbeddedCluster): readonly string[] {
  return nodeViews(cluster).flatMap(({ name }) =>
    [...cluster.nodes.node(name).machine.units.keys()].map((unit) => `${name}: ${unit}`),
  );
}
