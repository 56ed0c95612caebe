/** A kubelet needs a moment after the grace period; what is there longer than this is late. */
const SLACK_MS = 60_000;

/** A kubelet tries a volume again at least every two minutes, a runtime sooner: by then more than one try has failed. */
const STUCK_MS = 300_000;

/** `goneBy` is when the grace period of a deletion ends. */
export function isLate(goneBy: string, nowMs: number): boolean {
  return nowMs >= Date.parse(goneBy) + SLACK_MS;
}

/** Late by so much that waiting longer is no plan: somebody has to look at it. */
export function isStuck(goneBy: string, nowMs: number): boolean {
  return nowMs >= Date.parse(goneBy) + STUCK_MS;
}

export interface StuckPod {
  readonly goneBy: string;
  readonly graceSeconds: number;
  readonly finalizers: readonly string[];
}

/** As a part of a sentence about the pod. */
export function stuckText({ goneBy, graceSeconds, finalizers }: StuckPod): string {
  const held = finalizers.length === 0 ? '' : `, held by the finalizer ${finalizers.join(', ')}`;
  return `should have been gone at ${goneBy.slice(0, 19).replace('T', ' ')} UTC (grace ${graceSeconds} s) and is still terminating${held}`;
}
