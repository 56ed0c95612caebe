import { namespacesOf, permissionsOf } from '../cluster/permissions.ts';
import type { Deps } from '../deps.ts';
import type { PermissionFact } from '../facts/facts.ts';

/** What a Job of the chain will need, each asked of the API server for the account that this process has. */
export async function observePermissions(
  { cluster, settings }: Pick<Deps, 'cluster' | 'settings'>,
  signal: AbortSignal,
): Promise<readonly PermissionFact[]> {
  const needed = permissionsOf('phase', namespacesOf(settings)).filter(({ isNotAsked }) => isNotAsked === undefined);
  return await Promise.all(
    needed.map(async ({ extra, ...permission }) => ({
      ...permission,
      ...(extra === undefined ? {} : { extra }),
      allowed: await cluster.allowed(permission, signal),
    })),
  );
}
