import { availableParallelism, freemem } from 'node:os';

export interface LaneCount {
  readonly lanes: number;
  /** Why there are fewer than were asked for. */
  readonly because?: string;
}

const GB = 2 ** 30;
/** A cluster of four nodes and one of three, and what is made beside them. */
const WANTED_BYTES = 12 * GB;

export function laneCount(wanted: number, cores = availableParallelism(), free = freemem()): LaneCount {
  if (wanted === 1) return { lanes: 1 };
  if (cores < 2) return { lanes: 1, because: 'the machine has one core' };
  if (free < WANTED_BYTES)
    return { lanes: 1, because: `${(free / GB).toFixed(1)} GB of memory are free, two want ${WANTED_BYTES / GB}` };
  return { lanes: wanted };
}
