import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import { Inventory, type RunInventory } from '../facts/inventory.ts';
import type { Settings } from '../settings/settings.ts';
import { readRun, runPrefix } from './run-record.ts';

/** In the record of the run on our namespace; these two outlive the run, until the next one begins. */
export const INVENTORY = { before: 'inventory-before', after: 'inventory-after' } as const;

/** @throws NightliftError (cluster) when the record is damaged. */
export async function readInventory(
  deps: Pick<Deps, 'cluster' | 'settings'>,
  signal: AbortSignal,
): Promise<RunInventory> {
  return inventoryIn(await readRun({ deps, signal }), deps.settings);
}

/** Of a record of the run that was read. @throws NightliftError (cluster) when it is damaged. */
export function inventoryIn(
  run: Readonly<Record<string, string>>,
  settings: Pick<Settings, 'namespace' | 'annotationPrefix'>,
): RunInventory {
  const { namespace } = settings;
  const part = (key: string): Inventory | null => {
    const text = run[key];
    if (text === undefined) return null;
    try {
      return Inventory.parse(JSON.parse(text));
    } catch (cause) {
      const why = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is not JSON';
      const annotation = `${runPrefix(settings)}${key}`;
      throw new NightliftError('cluster', `reading the annotation ${annotation} of Namespace ${namespace}: ${why}`, {
        remedy: `kubectl annotate namespace ${namespace} ${annotation}- forgets it; the next run writes it anew.`,
        cause,
      });
    }
  };
  return { before: part(INVENTORY.before), after: part(INVENTORY.after) };
}
