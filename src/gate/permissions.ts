import { EXTRAS, type Extra } from '../cluster/permissions.ts';
import type { PermissionFact } from '../facts/facts.ts';
import type { Check } from './check.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'permissions';

/** A drain that fails half-way for want of a permission is found out before the first change (I03, I11). */
export const permissions: Check = {
  name: NAME,
  reads: ['permissions'],
  evaluate(facts) {
    const remedy = 'Apply the RBAC of this version again (terraform apply, or deploy/).';
    if (!facts.permissions.known) return [unknownFinding(NAME, 'its own permissions', facts.permissions.why, remedy)];
    if (facts.permissions.value.length === 0) {
      return [unknownFinding(NAME, 'its own permissions', 'not one was asked for', remedy)];
    }
    return facts.permissions.value
      .filter((permission) => !permission.allowed)
      .map((permission) => ({
        check: NAME,
        reason: 'PermissionMissing',
        class: 'actionable',
        severity: 'block',
        message: `the account of the chain may not ${describe(permission)}, which ${permission.extra === undefined ? 'the chain' : EXTRAS[permission.extra]} needs`,
        remedy: permission.extra === undefined ? remedy : remedyOf(permission.extra),
      }));
  },
};

function remedyOf(extra: Extra): string {
  return `Grant it: kubectl apply -f deploy/${extra}/rbac.yaml (Terraform grants it with the setting), or take the setting away.`;
}

function describe(permission: PermissionFact): string {
  const group = permission.group === '' ? '' : `.${permission.group}`;
  const [resource, subresource] = permission.resource.split('/');
  const object = `${resource ?? ''}${group}${subresource === undefined ? '' : `/${subresource}`}`;
  const where = permission.namespace === '' ? 'in the whole cluster' : `in namespace ${permission.namespace}`;
  const name = permission.name === undefined ? '' : ` ${permission.name}`;
  return `${permission.verb} ${object}${name} ${where}`;
}
