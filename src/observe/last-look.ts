import type { Deps } from '../deps.ts';
import { LastLook } from '../facts/last-look.ts';
import { readStateRecord } from './state-record.ts';

export const LAST_LOOK = 'last-look';

/** What the detector recorded of its last look; null before its first. @throws NightliftError when the record is damaged. */
export async function readLastLook(
  deps: Pick<Deps, 'cluster' | 'settings'>,
  signal: AbortSignal,
): Promise<LastLook | null> {
  return await readStateRecord(deps, LAST_LOOK, LastLook, signal);
}
