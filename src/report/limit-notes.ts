import type { Facts } from '../facts/facts.ts';
import { bold, type Section } from '../notify/slack-message.ts';
import { type Limits, limitChanges } from '../settings/limits.ts';

/**
 * What is allowed now and was not allowed the night before, or the other way round: settings that were lost look like a
 * quiet night. `now`: the limits of the report itself, which has the settings that the next Job will have.
 */
export function limitNotes(
  { limits, observedAt }: Pick<Facts, 'limits' | 'observedAt'>,
  now: Limits,
  hours: number,
): readonly Section[] {
  if (!limits.known) return [[`Limits of the last night: unknown (${limits.why})`]];
  if (limits.value === null) return [];
  const { values, before, changedAt } = limits.value;
  const isRecent = Date.parse(observedAt) - Date.parse(changedAt) <= hours * 3_600_000;
  return [
    told('Limits changed since the night before:', before !== null && isRecent ? limitChanges(before, values) : []),
    told('Limits changed after the last look, for the next one:', limitChanges(values, now)),
  ];
}

function told(title: string, changes: readonly string[]): Section {
  return changes.length === 0 ? [] : [[bold(title)], ...changes.map((change) => `• ${change}`)];
}
