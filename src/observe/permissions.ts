import { kuredOf, phasePermissions } from '../cluster/permissions.ts';
import type { Deps } from '../deps.ts';
import type { PermissionFact } from '../facts/facts.ts';

/** What a Job of the chain will need, each asked of the API server for the account that this process has. */
export async function observePermissions(
  { cluster, settings }: Pick<Deps, 'cluster' | 'settings'>,
  signal: AbortSignal,
): Promise<readonly PermissionFact[]> {
  return await Promise.all(
    phasePermissions(settings.namespace, settings.snapshot.namespace, kuredOf(settings.kured)).map(
      async ({ name, ...permission }) => ({
        ...permission,
        allowed: await cluster.allowed({ ...permission, ...(name === undefined ? {} : { name }) }, signal),
      }),
    ),
  );
}
