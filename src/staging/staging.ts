import type { StagingFact } from '../facts/staging.ts';

/** How staging fares. What is not a full answer throws: silence is not health (D01). */
export interface Staging {
  look(signal: AbortSignal): Promise<StagingFact>;
}

/** Nobody's clock is further ahead of ours than this; milliseconds. */
export const CLOCKS_APART_MS = 3_600_000;
/** Staging looks for versions once a night: what is older says nothing of last night. */
export const STALE_MS = 36 * 3_600_000;
/** More than a long history, and less than what somebody else would send. */
export const MOST_BYTES = 8_000_000;

/** Why a time of staging cannot be that of a look of last night; undefined: it can. Pure. */
export function whyNotFresh(at: number, now: number): string | undefined {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return 'it is no time';
  if (at > now + CLOCKS_APART_MS) return `${time.toISOString()} is in the future here: one of the two clocks is wrong`;
  return now - at > STALE_MS ? `${time.toISOString()} is more than ${STALE_MS / 3_600_000} h ago here` : undefined;
}
