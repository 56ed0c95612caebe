import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Permission, permissionsOf, type Role } from '../cluster/permissions.ts';
import type { NewObject, PodSpec, PolicyRule } from './api/kinds.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  cronJobs,
  namespaces,
  roleBindings,
  roles,
  secrets,
  serviceAccounts,
} from './api/resources.ts';
import type { CronJob } from './api/kinds.ts';
import type { Store } from './api/store.ts';

export const NAMESPACE = 'k8s-upgrade';
/** The image of Nightlift in a rehearsal: its containers are processes of the bundled program. */
export const OWN_IMAGE = 'nightlift:rehearsal';
export const SNAPSHOT_IMAGE = 'etcd-backup:rehearsal';
export const SNAPSHOT_NAMESPACE = 'default';

export interface DeploymentOptions {
  /** templates/ */
  readonly templatesDir: string;
  /** Text of config.yaml. */
  readonly settings: string;
  /** Text of the operator's addon matrix, when the settings name one. */
  readonly matrix?: string;
  readonly secrets: Readonly<Record<'ssh_key' | 'known_hosts' | 'slack_webhook', string>>;
}

/** What `kubectl apply` of an installation leaves in the cluster: account, CronJobs, ConfigMaps, Secret, and the backup CronJob. */
export function createDeploymentObjects(store: Store, options: DeploymentOptions): void {
  store.create(namespaces, { metadata: { name: NAMESPACE }, spec: {}, status: {} });
  createAccount(store, 'k8s-upgrade-job', 'phase');
  createAccount(store, 'k8s-upgrade-report', 'report');
  const configMap = (name: string, data: Record<string, string>): void => {
    store.create(configMaps, { metadata: { name, namespace: NAMESPACE }, data });
  };
  configMap('k8s-upgrade-config', {
    'config.yaml': options.settings,
    ...(options.matrix === undefined ? {} : { 'addons.yaml': options.matrix }),
  });
  configMap('k8s-upgrade-scripts', filesOf(join(options.templatesDir, 'node')));
  configMap('k8s-upgrade-job-template', { 'job-template.yaml': readFileSync(join(options.templatesDir, 'job.yaml'), 'utf8') });
  store.create(secrets, { metadata: { name: 'k8s-upgrade-creds', namespace: NAMESPACE }, stringData: { ...options.secrets } });
  store.create(cronJobs, ownCronJob('k8s-version-check', '0 23 * * *', 'k8s-upgrade-job', 'check'));
  store.create(cronJobs, ownCronJob('k8s-upgrade-nightly-report', '7 6 * * *', 'k8s-upgrade-report', 'report'));
  store.create(cronJobs, snapshotCronJob());
}

function filesOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name.endsWith('.sh'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

/** Exactly what the role needs: whatever the program does beyond it is refused, as in a real cluster. */
function createAccount(store: Store, name: string, role: Role): void {
  store.create(serviceAccounts, { metadata: { name, namespace: NAMESPACE } });
  const subjects = [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }];
  const needed = permissionsOf(role, { own: NAMESPACE, snapshot: SNAPSHOT_NAMESPACE });
  const clusterWide = needed.filter(({ namespace }) => namespace === '').map(ruleOf);
  store.create(clusterRoles, { metadata: { name }, rules: clusterWide });
  store.create(clusterRoleBindings, { metadata: { name }, subjects, roleRef: { kind: 'ClusterRole', name } });
  for (const namespace of new Set(needed.map((permission) => permission.namespace))) {
    if (namespace === '') continue;
    store.create(roles, { metadata: { name, namespace }, rules: needed.filter((one) => one.namespace === namespace).map(ruleOf) });
    store.create(roleBindings, { metadata: { name, namespace }, subjects, roleRef: { kind: 'Role', name } });
  }
}

function ruleOf({ verb, group, resource }: Permission): PolicyRule {
  return { verbs: [verb], apiGroups: [group], resources: [resource] };
}

function ownCronJob(name: string, schedule: string, serviceAccountName: string, command: string): NewObject<CronJob> {
  const labels = { app: 'k8s-version-upgrade' };
  const mount = (volume: string, mountPath: string) => ({ name: volume, mountPath, readOnly: true });
  const spec: PodSpec = {
    serviceAccountName,
    restartPolicy: 'Never',
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
    containers: [
      {
        name: 'nightlift',
        image: OWN_IMAGE,
        args: [command],
        volumeMounts: [
          mount('config', '/config'),
          mount('scripts', '/scripts'),
          mount('template', '/template'),
          mount('creds', '/secrets/k8s-upgrade'),
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: 'k8s-upgrade-config' } },
      { name: 'scripts', configMap: { name: 'k8s-upgrade-scripts' } },
      { name: 'template', configMap: { name: 'k8s-upgrade-job-template' } },
      { name: 'creds', secret: { secretName: 'k8s-upgrade-creds', defaultMode: 0o400 } },
      { name: 'tmp', emptyDir: {} },
    ],
  };
  return {
    metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      schedule,
      timeZone: 'UTC',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        metadata: { labels },
        spec: { backoffLimit: 2, ttlSecondsAfterFinished: 86_400, template: { metadata: { labels }, spec } },
      },
    },
    status: {},
  };
}

function snapshotCronJob(): NewObject<CronJob> {
  const spec: PodSpec = {
    restartPolicy: 'Never',
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
    containers: [{ name: 'backup', image: SNAPSHOT_IMAGE }],
  };
  return {
    metadata: { name: 'backup-etcd', namespace: SNAPSHOT_NAMESPACE },
    spec: {
      schedule: '0 2 * * *',
      concurrencyPolicy: 'Forbid',
      jobTemplate: { spec: { backoffLimit: 1, ttlSecondsAfterFinished: 86_400, template: { spec } } },
    },
    status: {},
  };
}
