import { stringify } from 'yaml';
import type { NewObject, PodSpec, Workload } from './api/kinds.ts';
import {
  configMaps,
  daemonSets,
  deployments,
  namespaces,
  podDisruptionBudgets,
  priorityClasses,
  services,
  statefulSets,
} from './api/resources.ts';
import type { Store } from './api/store.ts';
import { kubeadmImage } from './nodes/kubeadm-images.ts';
import type { AddonWorkload, Topology } from './topology.ts';

export interface SystemObjectsOptions {
  readonly topology: Topology;
  /** Where the rehearsal's DNS server listens. */
  readonly dns: { readonly address: string; readonly port: number };
}

const EVERYWHERE = [{ operator: 'Exists' }];
const ON_CONTROL_PLANES = [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }];
/** The newest calico and cert-manager that there are: both go up to 1.36. */
const CURRENT_ADDONS: readonly AddonWorkload[] = [
  { kind: 'DaemonSet', namespace: 'kube-system', name: 'calico-node', image: 'quay.io/calico/node:v3.32.1' },
  {
    kind: 'Deployment',
    namespace: 'cert-manager',
    name: 'cert-manager',
    image: 'quay.io/jetstack/cert-manager-controller:v1.21.0',
  },
];

/** What `kubeadm init` and a cluster's owner leave behind: kube-system, addons, and some applications with their budgets. */
export function createSystemObjects(store: Store, { topology, dns }: SystemObjectsOptions): void {
  const { version } = topology;
  for (const name of ['system-node-critical', 'system-cluster-critical']) {
    store.create(priorityClasses, { metadata: { name }, value: 2_000_000_000 } as never);
  }
  store.create(configMaps, {
    metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
    data: {
      ClusterConfiguration: stringify({
        apiVersion: 'kubeadm.k8s.io/v1beta4',
        kind: 'ClusterConfiguration',
        clusterName: 'kubernetes',
        imageRepository: 'registry.k8s.io',
        kubernetesVersion: `v${version}`,
      }),
    },
  });
  store.create(
    daemonSets,
    workload('kube-system', 'kube-proxy', kubeadmImage('kube-proxy', version), {
      tolerations: EVERYWHERE,
      hostNetwork: true,
    }),
  );
  store.create(deployments, {
    ...workload(
      'kube-system',
      'coredns',
      kubeadmImage('coredns', version),
      { tolerations: ON_CONTROL_PLANES },
      2,
      'kube-dns',
    ),
  });
  const ports = [
    { name: 'dns', port: dns.port, protocol: 'UDP', targetPort: 53 },
    { name: 'dns-tcp', port: dns.port, protocol: 'TCP', targetPort: 53 },
  ];
  store.create(services, {
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
    spec: { clusterIP: dns.address, ports, selector: { 'k8s-app': 'kube-dns' } },
  });
  const everywhere = topology.applicationsEverywhere === true || topology.workers <= 1;
  const placing = everywhere ? { tolerations: ON_CONTROL_PLANES } : {};
  for (const addon of topology.addons ?? CURRENT_ADDONS) createAddon(store, addon, placing);
  createApplications(store, placing);
}

function createAddon(store: Store, { kind, namespace, name, image }: AddonWorkload, placing: Partial<PodSpec>): void {
  if (store.get(namespaces, namespace) === undefined)
    store.create(namespaces, { metadata: { name: namespace }, spec: {}, status: {} });
  if (kind === 'DaemonSet') store.create(daemonSets, workload(namespace, name, image, { tolerations: EVERYWHERE }));
  else store.create(deployments, workload(namespace, name, image, placing));
}

function createApplications(store: Store, placing: Partial<PodSpec>): void {
  store.create(namespaces, { metadata: { name: 'shop' }, spec: {}, status: {} });
  store.create(deployments, workload('shop', 'web', 'shop/web:4.2', placing, 3));
  store.create(
    deployments,
    workload('shop', 'worker', 'shop/worker:4.2', { ...placing, volumes: [{ name: 'cache', emptyDir: {} }] }, 2),
  );
  store.create(statefulSets, workload('shop', 'database', 'shop/database:17', placing, 2));
  // One by matchLabels, one by matchExpressions: both kinds of selector stand in real clusters (D07).
  store.create(podDisruptionBudgets, {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
    status: {},
  });
  store.create(podDisruptionBudgets, {
    metadata: { name: 'database', namespace: 'shop' },
    spec: { minAvailable: 1, selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['database'] }] } },
    status: {},
  });
}

/** A workload with one container and the label app (k8s-app for the cluster's own). */
export function workload(
  namespace: string,
  name: string,
  image: string,
  spec: Partial<PodSpec> = {},
  replicas?: number,
  label: string = name,
): NewObject<Workload> {
  const labels = { [namespace === 'kube-system' ? 'k8s-app' : 'app']: label };
  return {
    metadata: { name, namespace, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 10, ...spec, containers: [{ name, image }] },
      },
    },
    status: {},
  };
}
