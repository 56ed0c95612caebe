import type { Deps } from '../deps.ts';
import { FIRST_SEEN, STATE } from '../observe/first-seen.ts';

/** Adds versions that are not known yet; writes only when there are such. */
export async function recordFirstSeen(
  deps: Pick<Deps, 'cluster' | 'settings' | 'clock'>,
  before: Readonly<Record<string, string>>,
  versions: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const added = versions.filter((version) => before[version] === undefined);
  if (added.length === 0) return;
  const now = deps.clock.now().toISOString();
  const all = { ...before, ...Object.fromEntries(added.map((version) => [version, now])) };
  await deps.cluster.writeConfigMap(deps.settings.namespace, STATE, { [FIRST_SEEN]: JSON.stringify(all) }, signal);
}
