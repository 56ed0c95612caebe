import type { Permission } from '../cluster/cluster.ts';
import { type Namespaces, permissionsOf, type Role } from '../cluster/permissions.ts';
import { ACCOUNTS, type InstallObject, OBJECT_LABELS } from './install-object.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const ROLES: readonly Role[] = ['phase', 'detector', 'report'];
const RBAC = 'rbac.authorization.k8s.io';

/** Stands for the namespace of the snapshot CronJob, so that its Role stays apart even where it is one of the others. */
const SNAPSHOT = '<snapshot>';

/**
 * The accounts and what each may do: the rows of cluster/permissions.ts, nothing added. What only a setting needs stands
 * in roles of its own, named after it.
 */
export function rbacObjects(namespaces: Namespaces): readonly InstallObject[] {
  return ROLES.flatMap((role) => {
    const { own, snapshot } = namespaces;
    const account = ACCOUNTS[role];
    const rows = permissionsOf(role, { ...namespaces, snapshot: SNAPSHOT });
    const groups = Map.groupBy(rows, ({ namespace, extra = '' }) => JSON.stringify([namespace, extra]));
    return [...groups]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, some]) => {
        const [{ namespace, extra } = { namespace: '', extra: undefined }] = some;
        const rules = rulesOf(some);
        if (namespace === SNAPSHOT)
          return roleAndBinding({ account, own, name: `${account}-snapshot`, place: snapshot, rules });
        const name = extra === undefined ? account : `${account}-${extra}`;
        return roleAndBinding({ account, own, name, place: namespace, rules });
      });
  });
}

export function serviceAccounts(namespace: string): readonly InstallObject[] {
  return ROLES.map((role) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: ACCOUNTS[role], namespace, labels: OBJECT_LABELS },
    // The default, said aloud as Terraform's provider does: the pods talk to the API server.
    automountServiceAccountToken: true,
  }));
}

interface Grant {
  readonly account: string;
  /** Namespace of the account. */
  readonly own: string;
  readonly name: string;
  /** '' is cluster-wide. */
  readonly place: string;
  readonly rules: readonly Rule[];
}

function roleAndBinding({ account, own, name, place, rules }: Grant): readonly InstallObject[] {
  const clusterWide = place === '';
  const metadata = { name, ...(clusterWide ? {} : { namespace: place }), labels: OBJECT_LABELS };
  const apiVersion = `${RBAC}/v1`;
  const kind = clusterWide ? 'ClusterRole' : 'Role';
  return [
    { apiVersion, kind, metadata, rules },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: own }],
    },
  ];
}

/** One rule for each set of verbs in an API group and the objects that it is for. Resources that share them stand together, so the role reads as a table. */
export function rulesOf(rows: readonly Permission[]): readonly Rule[] {
  const verbsOf = Map.groupBy(rows, ({ group, resource, name = '' }) => JSON.stringify([group, resource, name]));
  const objects = [...verbsOf.values()].map((some) => {
    const [{ group, resource, name } = { group: '', resource: '', name: undefined }] = some;
    return { group, resource, name, verbs: some.map(({ verb }) => verb).toSorted() };
  });
  const isNamed = (one: (typeof objects)[number]) => (one.name === undefined ? '' : one.resource);
  const rules = Map.groupBy(objects, (one) => `${one.group} ${one.verbs.join()} ${isNamed(one)}`);
  return [...rules]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, some]) => {
      const names = some.flatMap(({ name }) => name ?? []).toSorted();
      return {
        apiGroups: [some[0]?.group ?? ''],
        resources: [...new Set(some.map(({ resource }) => resource))].toSorted(),
        verbs: some[0]?.verbs ?? [],
        ...(names.length === 0 ? {} : { resourceNames: names }),
      };
    });
}
