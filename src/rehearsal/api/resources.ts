import { defaultCronJob, defaultJob, defaultPod, defaultSecret, defaultWorkload } from './defaults.ts';
import type {
  ConfigMap,
  CronJob,
  Job,
  KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  Role,
  RoleBinding,
  Secret,
  ServiceAccount,
  Workload,
} from './kinds.ts';
import type { Resource } from './resource.ts';
import { validateCronJob, validateJob, validateLease, validatePod } from './validation.ts';

type Row<T extends KubeObject> = Omit<Resource<T>, 'subresources'> & { readonly subresources?: readonly string[] };

function resource<T extends KubeObject>(row: Row<T>): Resource<T> {
  return { ...row, subresources: row.subresources ?? [] };
}

function core<T extends KubeObject>(plural: string, kind: string, more: Partial<Row<T>> = {}): Resource<T> {
  return resource({ group: '', version: 'v1', plural, kind, namespaced: true, ...more });
}

function workload(plural: string, kind: string, subresources: readonly string[]): Resource<Workload> {
  const defaults = defaultWorkload;
  return resource({
    group: 'apps',
    version: 'v1',
    plural,
    kind,
    namespaced: true,
    subresources,
    generation: true,
    defaults,
  });
}

function rbac<T extends KubeObject>(plural: string, kind: string, namespaced: boolean): Resource<T> {
  return resource({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural,
    kind,
    namespaced,
    looseNames: true,
  });
}

export const nodes = core<Node>('nodes', 'Node', { namespaced: false, subresources: ['status'] });
export const namespaces = core<Namespace>('namespaces', 'Namespace', {
  namespaced: false,
  labelNames: true,
  subresources: ['status'],
});
export const pods = core<Pod>('pods', 'Pod', {
  subresources: ['status', 'log', 'eviction'],
  generation: true,
  returnsDeleted: true,
  defaults: defaultPod,
  validate: validatePod,
});
export const configMaps = core<ConfigMap>('configmaps', 'ConfigMap');
export const secrets = core<Secret>('secrets', 'Secret', { defaults: defaultSecret });
export const serviceAccounts = core<ServiceAccount>('serviceaccounts', 'ServiceAccount', {
  subresources: ['token'],
  returnsDeleted: true,
});
export const services = core('services', 'Service', {
  labelNames: true,
  subresources: ['status'],
  returnsDeleted: true,
});
export const endpoints = core('endpoints', 'Endpoints');
export const events = core('events', 'Event');
export const persistentVolumeClaims = core('persistentvolumeclaims', 'PersistentVolumeClaim', {
  subresources: ['status'],
  returnsDeleted: true,
});
export const persistentVolumes = core('persistentvolumes', 'PersistentVolume', {
  namespaced: false,
  subresources: ['status'],
  returnsDeleted: true,
});
export const deployments = workload('deployments', 'Deployment', ['status', 'scale']);
export const replicaSets = workload('replicasets', 'ReplicaSet', ['status', 'scale']);
export const statefulSets = workload('statefulsets', 'StatefulSet', ['status', 'scale']);
export const daemonSets = workload('daemonsets', 'DaemonSet', ['status']);
export const jobs = resource<Job>({
  group: 'batch',
  version: 'v1',
  plural: 'jobs',
  kind: 'Job',
  namespaced: true,
  subresources: ['status'],
  generation: true,
  defaultPropagation: 'Orphan',
  defaults: defaultJob,
  validate: validateJob,
});
export const cronJobs = resource<CronJob>({
  group: 'batch',
  version: 'v1',
  plural: 'cronjobs',
  kind: 'CronJob',
  namespaced: true,
  subresources: ['status'],
  generation: true,
  defaults: defaultCronJob,
  validate: validateCronJob,
});
export const podDisruptionBudgets = resource<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  namespaced: true,
  subresources: ['status'],
  generation: true,
  conditionalUpdates: true,
});
export const leases = resource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
  conditionalUpdates: true,
  validate: validateLease,
});
export const volumeAttachments = resource({
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'volumeattachments',
  kind: 'VolumeAttachment',
  namespaced: false,
  subresources: ['status'],
});
export const networkPolicies = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
  generation: true,
});
export const priorityClasses = resource({
  group: 'scheduling.k8s.io',
  version: 'v1',
  plural: 'priorityclasses',
  kind: 'PriorityClass',
  namespaced: false,
});
export const customResourceDefinitions = resource({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
  generation: true,
});
export const roles = rbac<Role>('roles', 'Role', true);
export const clusterRoles = rbac<Role>('clusterroles', 'ClusterRole', false);
export const roleBindings = rbac<RoleBinding>('rolebindings', 'RoleBinding', true);
export const clusterRoleBindings = rbac<RoleBinding>('clusterrolebindings', 'ClusterRoleBinding', false);

export const RESOURCES: readonly Resource[] = [
  nodes,
  namespaces,
  pods,
  configMaps,
  secrets,
  serviceAccounts,
  services,
  endpoints,
  events,
  persistentVolumeClaims,
  persistentVolumes,
  deployments,
  replicaSets,
  statefulSets,
  daemonSets,
  jobs,
  cronJobs,
  podDisruptionBudgets,
  leases,
  volumeAttachments,
  networkPolicies,
  priorityClasses,
  customResourceDefinitions,
  roles,
  clusterRoles,
  roleBindings,
  clusterRoleBindings,
];

export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

export function resourceOf(apiVersion: string, kind: string): Resource | undefined {
  return RESOURCES.find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
}
