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
const KURED = '<kured>';

/** The accounts and what each may do: the rows of cluster/permissions.ts, nothing added. */
export function rbacObjects(namespaces: Namespaces): readonly InstallObject[] {
  return ROLES.flatMap((role) => {
    const { own, snapshot, kured } = namespaces;
    const rows = permissionsOf(role, {
      own,
      snapshot: SNAPSHOT,
      kured: kured === undefined ? undefined : { ...kured, namespace: KURED },
    });
    const places = [...new Set(rows.map(({ namespace }) => namespace))].toSorted();
    return places.flatMap((place) => {
      const rules = rulesOf(rows.filter((row) => row.namespace === place));
      const grant = { account: ACCOUNTS[role], own, rules };
      if (place === SNAPSHOT) return roleAndBinding({ ...grant, name: `${grant.account}-snapshot`, place: snapshot });
      return place === KURED
        ? roleAndBinding({ ...grant, name: `${grant.account}-kured`, place: kured?.namespace ?? '' })
        : roleAndBinding({ ...grant, name: grant.account, place });
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

/** One rule for each set of verbs in an API group. Resources that share a set stand together, so the role reads as a table. */
export function rulesOf(rows: readonly Permission[]): readonly Rule[] {
  const byResource = new Map<string, { group: string; resource: string; name: string; verbs: string[] }>();
  for (const { group, resource, verb, name = '' } of rows) {
    const entry = byResource.get(`${group}/${resource}/${name}`) ?? { group, resource, name, verbs: [] };
    entry.verbs.push(verb);
    byResource.set(`${group}/${resource}/${name}`, entry);
  }
  const rules = new Map<string, { group: string; resources: string[]; name: string; verbs: string[] }>();
  for (const { group, resource, name, verbs } of byResource.values()) {
    const sorted = verbs.toSorted();
    const key = `${group} ${sorted.join()} ${name}`;
    const rule = rules.get(key) ?? { group, resources: [], name, verbs: sorted };
    rule.resources.push(resource);
    rules.set(key, rule);
  }
  return [...rules.entries()]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { group, resources, name, verbs }]) => ({
      apiGroups: [group],
      resources: resources.toSorted(),
      verbs,
      ...(name === '' ? {} : { resourceNames: [name] }),
    }));
}
