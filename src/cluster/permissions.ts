import { RECORDS, recordName } from '../facts/run-history.ts';
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
  /** Default: none. */
  readonly extras?: readonly Extra[];
}

/** What only a setting needs, and is granted with it alone. */
export type Extra = 'kured' | 'delete-pods' | 'patch-workloads' | 'smoke-claims';

/** By the name of its folder in deploy/ and the end of its roles' names: the setting that needs it. */
export const EXTRAS: Readonly<Record<Extra, string>> = {
  kured: 'kured.takeLock',
  'delete-pods': 'the action delete-after in drain.policies',
  'patch-workloads': 'quiesce, or the action restart-owner in drain.policies,',
  'smoke-claims': 'smoke.storageClasses',
};

/** A row of the table. */
export interface NeededPermission extends Permission {
  /** Absent: every run needs it. */
  readonly extra?: Extra;
  /** It is granted, and nobody asks for it beforehand: a run goes on without it, or the check that needs it says so. */
  readonly isNotAsked?: true;
}

interface Need {
  readonly verbs: readonly string[];
  readonly group: string;
  readonly resource: string;
  /** '' is cluster-wide. */
  readonly where: '' | 'kube-system' | 'own' | 'snapshot' | 'kured';
  /** Only these objects. RBAC cannot limit `create` and `list` in this way. */
  readonly names?: readonly string[];
  readonly extra?: Extra;
  readonly isNotAsked?: true;
  /** What needs it, for whoever reviews the account. */
  readonly why: string;
}

/** The ConfigMaps that are read through the API; settings, scripts and template are mounted. */
const OWN_CONFIG_MAPS = ['k8s-upgrade-killswitch', 'k8s-upgrade-state'];

/** Beside the names, as nothing else of these may be written: whoever changes k8s-upgrade-scripts is root on the nodes. */
const RECORDS_OF_RUNS: readonly Need[] = [
  {
    verbs: ['get', 'patch'],
    group: '',
    resource: 'configmaps',
    where: 'own',
    names: Array.from({ length: RECORDS }, (_, index) => recordName(index + 1)),
    isNotAsked: true,
    why: 'records of runs',
  },
  { verbs: ['create'], group: '', resource: 'configmaps', where: 'own', isNotAsked: true, why: 'records of runs' },
];

const REPORT: readonly Need[] = [
  { verbs: ['list'], group: '', resource: 'nodes', where: '', why: 'versions and readiness' },
  { verbs: ['list'], group: '', resource: 'pods', where: '', why: 'API server versions, ratio of ready pods, drain' },
  {
    verbs: ['get'],
    group: '',
    resource: 'configmaps',
    where: 'own',
    names: OWN_CONFIG_MAPS,
    why: 'kill switch, first-seen dates, limits and the last look',
  },
  {
    verbs: ['get'],
    group: '',
    resource: 'configmaps',
    where: 'own',
    names: ['k8s-upgrade-staging'],
    isNotAsked: true,
    why: 'the history of staging, with promotion.from: configmap; without it the check of the gate blocks',
  },
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
  ...RECORDS_OF_RUNS,
];

const DETECTOR: readonly Need[] = [
  ...CHAIN,
  {
    verbs: ['create'],
    group: '',
    resource: 'configmaps',
    where: 'own',
    why: 'first-seen dates, limits and the last look',
  },
  {
    verbs: ['patch'],
    group: '',
    resource: 'configmaps',
    where: 'own',
    names: ['k8s-upgrade-state'],
    why: 'first-seen dates, limits and the last look; whoever changes k8s-upgrade-scripts is root on the nodes',
  },
  {
    verbs: ['get', 'patch'],
    group: 'apps',
    resource: 'daemonsets',
    where: 'kured',
    extra: 'kured',
    why: 'a lock that was left behind',
  },
];

const PHASE: readonly Need[] = [
  ...CHAIN,
  {
    verbs: ['get'],
    group: '',
    resource: 'configmaps',
    where: 'kube-system',
    names: ['kubeadm-config', 'apiserver-oidc-restore'],
    why: 'the version in kubeadm-config, the restore script of the runbook',
  },
  { verbs: ['list'], group: 'policy', resource: 'poddisruptionbudgets', where: '', why: 'budgets that block a drain' },
  {
    verbs: ['get', 'patch'],
    group: '',
    resource: 'nodes',
    where: '',
    why: 'cordon, uncordon, and the marks of drain.markPending',
  },
  {
    verbs: ['get', 'list', 'create', 'patch'],
    group: 'coordination.k8s.io',
    resource: 'leases',
    where: 'own',
    why: 'one runner, or one for each node that is away',
  },
  { verbs: ['get'], group: 'apps', resource: 'daemonsets', where: '', why: 'the lock of kured' },
  {
    verbs: ['patch'],
    group: 'apps',
    resource: 'daemonsets',
    where: 'kured',
    extra: 'kured',
    why: 'taking the lock of kured',
  },
  {
    verbs: ['create'],
    group: '',
    resource: 'pods/eviction',
    where: '',
    why: 'drain, and asking for it before the cordon',
  },
  { verbs: ['watch'], group: '', resource: 'pods', where: '', why: 'the pods of a node that is drained' },
  { verbs: ['list'], group: '', resource: 'events', where: '', why: 'pods that fail on a node that was upgraded' },
  { verbs: ['delete'], group: '', resource: 'pods', where: '', extra: 'delete-pods', why: 'around a budget' },
  ...['deployments', 'statefulsets'].map(
    (resource): Need => ({
      verbs: ['get', 'patch'],
      group: 'apps',
      resource,
      where: '',
      extra: 'patch-workloads',
      why: 'quiesce and restore, restart of an owner (I03)',
    }),
  ),
  {
    verbs: ['list', 'create', 'delete'],
    group: '',
    resource: 'persistentvolumeclaims',
    where: 'own',
    extra: 'smoke-claims',
    why: 'a claim that binds and keeps its data',
  },
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
export function permissionsOf(role: Role, namespaces: Namespaces): readonly NeededPermission[] {
  const { own, snapshot, kured, extras = [] } = namespaces;
  const places = { '': '', 'kube-system': 'kube-system', own, snapshot, kured: kured?.namespace };
  const rows = new Map<string, NeededPermission>();
  for (const { verbs, group, resource, where, extra, names, isNotAsked } of NEEDS[role]) {
    const namespace = places[where];
    if (namespace === undefined || (extra !== undefined && !extras.includes(extra))) continue;
    const objects = where === 'kured' ? [kured?.daemonSet ?? ''] : names;
    for (const verb of verbs) {
      for (const only of objects === undefined ? [{}] : objects.map((name) => ({ name }))) {
        const row = { verb, group, resource, namespace, ...only };
        const key = JSON.stringify(row);
        // Where a run needs a row as well, it is asked for.
        const isSpare = isNotAsked === true && (rows.get(key) ?? { isNotAsked }).isNotAsked === true;
        rows.set(key, {
          ...row,
          ...(extra === undefined ? {} : { extra }),
          ...(isSpare ? { isNotAsked } : {}),
        });
      }
    }
  }
  // What is granted cluster-wide needs no row for one namespace.
  return [...rows].flatMap(([key, row]) => {
    const { verb, group, resource } = row;
    const everywhere = JSON.stringify({ verb, group, resource, namespace: '' });
    return key !== everywhere && rows.has(everywhere) ? [] : [row];
  });
}

/** Where our objects and those of others are, and what the settings add. */
export function namespacesOf({ namespace, snapshot, kured, drain, quiesce, smoke }: Settings): Namespaces {
  const has = (action: Settings['drain']['policies'][number]['action']) =>
    drain.policies.some((policy) => policy.action === action);
  const takesLock = kured.takeLock && kured.daemonSet !== '';
  return {
    own: namespace,
    snapshot: snapshot.namespace,
    kured: takesLock ? { namespace: kured.namespace, daemonSet: kured.daemonSet } : undefined,
    extras: [
      ...(takesLock ? (['kured'] as const) : []),
      ...(has('delete-after') ? (['delete-pods'] as const) : []),
      ...(quiesce.length > 0 || has('restart-owner') ? (['patch-workloads'] as const) : []),
      ...(smoke.storageClasses.length > 0 ? (['smoke-claims'] as const) : []),
    ],
  };
}
