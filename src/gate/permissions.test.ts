import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts, PermissionFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { permissions } from './permissions.ts';

function gate(facts: Facts['permissions']) {
  return evaluateGate(exampleFacts({ permissions: facts }), '1.36.4', [permissions], exampleOptions()).findings;
}

const EVICT: PermissionFact = { verb: 'create', group: '', resource: 'pods/eviction', namespace: '', allowed: false };

describe('permissions', () => {
  it.each<[Partial<PermissionFact>, string]>([
    [{}, 'create pods/eviction in the whole cluster'],
    [{ verb: 'get', resource: 'nodes' }, 'get nodes in the whole cluster'],
    [{ verb: 'list', group: 'apps', resource: 'daemonsets' }, 'list daemonsets.apps in the whole cluster'],
    [
      { verb: 'patch', group: 'apps', resource: 'deployments/scale', namespace: 'shop' },
      'patch deployments.apps/scale in namespace shop',
    ],
  ])('I03 I11 says of %j that the account may not %s', (fields, what) => {
    const allowed = { ...EVICT, verb: 'get', resource: 'pods', allowed: true };
    expect(gate(known([allowed, { ...EVICT, ...fields }]))).toEqual([
      {
        check: 'permissions',
        reason: 'PermissionMissing',
        class: 'actionable',
        severity: 'block',
        message: `the account of the chain may not ${what}, which the chain needs`,
        remedy: 'Apply the RBAC of this version again (terraform apply, or deploy/).',
      },
    ]);
  });

  it.each<[NonNullable<PermissionFact['extra']>, Partial<PermissionFact>, string]>([
    [
      'delete-pods',
      { verb: 'delete', resource: 'pods' },
      'delete pods in the whole cluster, which the action delete-after in drain.policies needs',
    ],
    [
      'kured',
      { verb: 'patch', group: 'apps', resource: 'daemonsets', namespace: 'kube-system', name: 'kured' },
      'patch daemonsets.apps kured in namespace kube-system, which kured.takeLock needs',
    ],
  ])('says which setting needs %s, and how it is granted', (extra, fields, what) => {
    expect(gate(known([{ ...EVICT, ...fields, extra }]))).toMatchObject([
      {
        reason: 'PermissionMissing',
        message: `the account of the chain may not ${what}`,
        remedy: `Grant it: kubectl apply -f deploy/${extra}/rbac.yaml (Terraform grants it with the setting), or take the setting away.`,
      },
    ]);
  });

  it('has nothing to say when everything is allowed', () => {
    expect(gate(known([{ ...EVICT, allowed: true }]))).toEqual([]);
  });

  it.each<[string, Facts['permissions'], string]>([
    ['they could not be read', unknown('forbidden'), 'its own permissions could not be read: forbidden'],
    ['not one was asked for', known([]), 'its own permissions could not be read: not one was asked for'],
  ])('refuses when %s', (_title, facts, message) => {
    expect(gate(facts)).toEqual([
      {
        check: 'permissions',
        reason: 'Unknown',
        class: 'actionable',
        severity: 'block',
        message,
        remedy: 'Apply the RBAC of this version again (terraform apply, or deploy/).',
      },
    ]);
  });
});
