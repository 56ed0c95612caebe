import type { Settings } from '../settings/settings.ts';
import type { Permission } from './cluster.ts';

/** Who asks: the nightly look, a Job of the chain, the morning report. */
export type Role = 'detector' | 'phase' | 'report';

export interface Namespaces {
  /** Of our own objects. */
  readonly own: string;
  /** Of the CronJob that takes etcd snapshots. */
  readonly snapshot: string;
  /** The DaemonSet whose lock is taken; absent while `kured.takeLock` is off. */
  readonly kured?: { readonly namespace: string; readonly daemonSet: string } | undefined;
}

interface Need {
  readonly verbs: readonly string[];
  readonly group: string;
  readonly resource: string;
  /** '' is cluster-wide. */
  readonly where: '' | 'kube-system' | 'own' | 'snapshot' | 'kured';
  /** What needs it, for whoever reviews the account. */
  readonly why: string;
}

const REPORT: readonly Need[] = [
  { verbs: ['list'], group: '', resource: 'nodes', where: '', why: 'versions and readiness' },
  { verbs: ['list'], group: '', resource: 'pods', where: '', why: 'API server versions, ratio of ready pods, drain' },
  { verbs: ['get'], group: '', resource: 'configmaps', where: 'own', why: 'kill switch, state, settings' },
  { verbs: ['list'], group: 'batch', resource: 'jobs', where: 'own', why: 'the state of the chain' },
  { verbs: ['get'], group: '', resource: 'namespaces', where: 'own', why: 'record of the run in flight' },
  { verbs: ['list'], group: 'apps', resource: 'deployments', where: '', why: 'addon versions' },
  { verbs: ['list'], group: 'apps', resource: 'daemonsets', where: '', why: 'addon versions' },
  { verbs: ['list'], group: 'apps', resource: 'statefulsets', where: '', why: 'addon versions' },
];

/** Of the detector and of every phase: each may start the next Job and write the record of the run. */
const CHAIN: readonly Need[] = [
  ...REPORT,
  { verbs: ['patch'], group: '', resource: 'namespaces', where: 'own', why: 'record of the run in flight' },
  { verbs: ['get', 'create', 'delete'], group: 'batch', resource: 'jobs', where: 'own', why: 'the next Job' },
  { verbs: ['get'], group: 'batch', resource: 'cronjobs', where: 'own', why: "the chain's image" },
];

const DETECTOR: readonly Need[] = [
  ...CHAIN,
  { verbs: ['create', 'patch'], group: '', resource: 'configmaps', where: 'own', why: 'first-seen dates and limits' },
  {
    verbs: ['get', 'patch'],
    group: 'apps',
    resource: 'daemonsets',
    where: 'kured',
    why: 'a lock that was left behind',
  },
];

const PHASE: readonly Need[] = [
  ...CHAIN,
  { verbs: ['get'], group: '', resource: 'configmaps', where: 'kube-system', why: 'kubeadm-config' },
  { verbs: ['list'], group: 'policy', resource: 'poddisruptionbudgets', where: '', why: 'budgets that block a drain' },
  { verbs: ['get', 'patch'], group: '', resource: 'nodes', where: '', why: 'cordon and uncordon' },
  {
    verbs: ['get', 'create', 'patch'],
    group: 'coordination.k8s.io',
    resource: 'leases',
    where: 'own',
    why: 'one runner',
  },
  { verbs: ['get'], group: 'apps', resource: 'daemonsets', where: '', why: 'the lock of kured' },
  { verbs: ['patch'], group: 'apps', resource: 'daemonsets', where: 'kured', why: 'taking the lock of kured' },
  { verbs: ['create'], group: '', resource: 'pods/eviction', where: '', why: 'drain' },
  { verbs: ['watch'], group: '', resource: 'pods', where: '', why: 'the pods of a node that is drained' },
  { verbs: ['delete'], group: '', resource: 'pods', where: '', why: 'delete-after in drain.policies' },
  { verbs: ['get', 'patch'], group: 'apps', resource: 'deployments', where: '', why: 'quiesce and restore (I03)' },
  { verbs: ['get', 'patch'], group: 'apps', resource: 'statefulsets', where: '', why: 'quiesce and restore (I03)' },
  { verbs: ['get'], group: '', resource: 'services', where: 'kube-system', why: 'address of the cluster DNS' },
  { verbs: ['get'], group: 'batch', resource: 'cronjobs', where: 'snapshot', why: 'template of the snapshot Job' },
  { verbs: ['get', 'create', 'delete'], group: 'batch', resource: 'jobs', where: 'snapshot', why: 'the snapshot Job' },
  { verbs: ['list'], group: '', resource: 'pods', where: 'snapshot', why: "the snapshot Job's pod" },
  { verbs: ['get'], group: '', resource: 'pods/log', where: 'snapshot', why: 'verifying the snapshot (I11)' },
];

const NEEDS: Readonly<Record<Role, readonly Need[]>> = { detector: DETECTOR, phase: PHASE, report: REPORT };

/**
 * What a role needs, one row for each verb and place: the one source of the self-check before the first change
 * (I03, I11) and of the RBAC that is installed.
 */
export function permissionsOf(role: Role, namespaces: Namespaces): readonly Permission[] {
  const { own, snapshot, kured } = namespaces;
  const places = { '': '', 'kube-system': 'kube-system', own, snapshot, kured: kured?.namespace };
  const rows = new Map<string, Permission>();
  for (const { verbs, group, resource, where } of NEEDS[role]) {
    const namespace = places[where];
    if (namespace === undefined) continue;
    const only = where === 'kured' ? { name: kured?.daemonSet ?? '' } : {};
    for (const verb of verbs) {
      const row = { verb, group, resource, namespace, ...only };
      rows.set(JSON.stringify(row), row);
    }
  }
  // What is granted cluster-wide needs no row for one namespace.
  return [...rows.values()].filter(
    (row) => row.namespace === '' || !rows.has(JSON.stringify({ ...row, namespace: '' })),
  );
}

/** What a Job of the chain checks of itself; `snapshot` is the namespace of the snapshot CronJob. */
export function phasePermissions(
  own: string,
  snapshot: string = own,
  kured?: Namespaces['kured'],
): readonly Permission[] {
  return permissionsOf('phase', { own, snapshot, kured });
}

/** What the settings add to the permissions. */
export function kuredOf({ takeLock, namespace, daemonSet }: Settings['kured']): Namespaces['kured'] {
  return takeLock && daemonSet !== '' ? { namespace, daemonSet } : undefined;
}
