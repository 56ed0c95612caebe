import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { RecordedLimits } from '../facts/facts.ts';
import { STATE } from '../observe/first-seen.ts';
import { LIMITS, readLimits } from '../observe/limits.ts';
import { limitChanges, limitsOf } from '../settings/limits.ts';

type Needs = Pick<Deps, 'cluster' | 'settings' | 'addonMatrix' | 'clock' | 'log'>;

/** Keeps the limits of this look for the next one and for the morning's report. Never changes how the look ends. */
export async function recordLimits(deps: Needs, signal: AbortSignal): Promise<void> {
  const { log } = deps;
  try {
    const last = await readLimits(deps, signal).catch((error: unknown) => {
      log.warn('the limits of the last night are not known', { error: reasonOf(error) });
      return null;
    });
    const values = limitsOf(deps.settings, deps.addonMatrix());
    const changes = last === null ? [] : limitChanges(last.values, values);
    if (last !== null && changes.length === 0) return;
    if (changes.length > 0) log.warn('the limits are not those of the last night', { changes: changes.join('; ') });
    const record: RecordedLimits = { values, before: last?.values ?? null, changedAt: deps.clock.now().toISOString() };
    await deps.cluster.writeConfigMap(deps.settings.namespace, STATE, { [LIMITS]: JSON.stringify(record) }, signal);
  } catch (error) {
    log.warn('the limits could not be recorded', { error: reasonOf(error) });
  }
}
