import { LastLook } from '../facts/last-look.ts';
import { type FromState, readStateRecord } from './state-record.ts';

export const LAST_LOOK = 'last-look';

/** What the detector recorded of its last look; null before its first. @throws NightliftError when the record is damaged. */
export async function readLastLook(deps: FromState, signal: AbortSignal): Promise<LastLook | null> {
  return await readStateRecord(deps, LAST_LOOK, LastLook, signal);
}
