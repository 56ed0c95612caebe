import type { Facts } from '../facts/facts.ts';
import { otherChanges } from '../facts/inventory.ts';
import { bold, type Section } from '../notify/slack-message.ts';

/** What has changed with the last run and was not the upgrade itself; nothing for a run that is older than the report looks back. */
export function inventoryNotes(
  { inventory, observedAt }: Pick<Facts, 'inventory' | 'observedAt'>,
  hours: number,
): Section {
  if (inventory?.known !== true) return [];
  const { before, after } = inventory.value;
  if (before === null || after === null) return [];
  if (Date.parse(observedAt) - Date.parse(after.at) > hours * 3_600_000) return [];
  const changes = otherChanges(before.kinds, after.kinds);
  if (changes.length === 0) return [];
  return [
    [bold(`Changed during the upgrade to ${after.target}, and not by it:`)],
    ...changes.map((change) => `• ${change}`),
  ];
}
