import { randomBytes } from 'node:crypto';
import type { PolicyRule, RoleBinding } from './kinds.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from './resources.ts';
import type { Store } from './store.ts';

export interface Identity {
  readonly user: string;
  readonly groups: readonly string[];
  /** What the bearer may do: everything, fixed rules, or what the RBAC objects of the cluster say. */
  readonly rules: 'all' | 'rbac' | readonly PolicyRule[];
}

export interface AccessRequest {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/eviction`. */
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

export interface ServiceAccountRef {
  readonly namespace: string;
  readonly name: string;
}

/** Bearer tokens and what their bearers may do. */
export class Access {
  readonly #identities = new Map<string, Identity>();
  readonly #store: Store;
  readonly #serviceAccountRules: 'all' | 'rbac';

  constructor(store: Store, serviceAccountRules: 'all' | 'rbac') {
    this.#store = store;
    this.#serviceAccountRules = serviceAccountRules;
  }

  addToken(token: string, identity: Identity): void {
    this.#identities.set(token, identity);
  }

  revokeToken(token: string): void {
    this.#identities.delete(token);
  }

  identityOf(authorization: string | undefined): Identity | undefined {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    return token === undefined ? undefined : this.#identities.get(token.trim());
  }

  /** A new token for a ServiceAccount, as its pods get one mounted. */
  serviceAccountToken({ namespace, name }: ServiceAccountRef): string {
    const token = `sa-${randomBytes(24).toString('base64url')}`;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    this.addToken(token, {
      user: `system:serviceaccount:${namespace}:${name}`,
      groups,
      rules: this.#serviceAccountRules,
    });
    return token;
  }

  allows(identity: Identity, request: AccessRequest): boolean {
    if (identity.rules === 'all') return true;
    const rules = identity.rules === 'rbac' ? this.#boundRules(identity, request.namespace) : identity.rules;
    return rules.some((rule) => covers(rule, request));
  }

  #boundRules(identity: Identity, namespace: string | undefined): readonly PolicyRule[] {
    const bindings = this.#store.list(clusterRoleBindings);
    if (namespace !== undefined) bindings.push(...this.#store.list(roleBindings, { namespace }));
    return bindings.filter((binding) => binds(binding, identity)).flatMap((binding) => this.#rulesOf(binding));
  }

  #rulesOf({ roleRef, metadata }: RoleBinding): readonly PolicyRule[] {
    if (roleRef.kind === 'ClusterRole' && roleRef.name === 'cluster-admin') {
      return [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
    }
    const role =
      roleRef.kind === 'ClusterRole'
        ? this.#store.get(clusterRoles, roleRef.name)
        : this.#store.get(roles, roleRef.name, metadata.namespace);
    return role?.rules ?? [];
  }
}

function binds(binding: RoleBinding, { user, groups }: Identity): boolean {
  return (binding.subjects ?? []).some((subject) => {
    if (subject.kind === 'User') return subject.name === user;
    if (subject.kind === 'Group') return groups.includes(subject.name);
    const namespace = subject.namespace ?? binding.metadata.namespace ?? '';
    return user === `system:serviceaccount:${namespace}:${subject.name}`;
  });
}

function covers(rule: PolicyRule, request: AccessRequest): boolean {
  const subresource = request.resource.split('/')[1];
  const resources = rule.resources ?? [];
  const resourceFits =
    resources.includes('*') ||
    resources.includes(request.resource) ||
    (subresource !== undefined && resources.includes(`*/${subresource}`));
  const names = rule.resourceNames ?? [];
  return (
    resourceFits &&
    includesOrAll(rule.verbs, request.verb) &&
    includesOrAll(rule.apiGroups ?? [], request.group) &&
    (names.length === 0 || (request.name !== undefined && names.includes(request.name)))
  );
}

function includesOrAll(list: readonly string[], wanted: string): boolean {
  return list.includes('*') || list.includes(wanted);
}
