import { RecordedLimits } from '../facts/facts.ts';
import { type FromState, readStateRecord } from './state-record.ts';

export const LIMITS = 'limits';

/** What the detector recorded at its last look; null before its first. @throws NightliftError when the record is damaged. */
export async function readLimits(deps: FromState, signal: AbortSignal): Promise<RecordedLimits | null> {
  return await readStateRecord(deps, LIMITS, RecordedLimits, signal);
}
