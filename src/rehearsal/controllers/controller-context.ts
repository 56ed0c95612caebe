import type { Availability } from '../api/availability.ts';
import type { Store } from '../api/store.ts';

/** What every controller gets. */
export interface ControllerContext {
  readonly store: Store;
  readonly availability: Availability;
  /** Real milliseconds of one second of Kubernetes' own times: backoff, deadlines, time to live, leases, grace. */
  readonly secondMs: number;
  /** Longest time between two pods of a Job whose pods fail, in seconds of Kubernetes; the real 600 unless told otherwise. */
  readonly longestBackoffSeconds?: number;
  /** Between a change and the reaction to it. */
  readonly reactionMs: number;
  /** A reconcile that threw: a bug of the embedded cluster, which a test must be able to see. */
  readonly onError: (error: unknown) => void;
}
