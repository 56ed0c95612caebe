import type { EvictionResult, PodFact } from '../../cluster/cluster.ts';
import { isLate, stuckText } from '../../cluster/stuck-pod.ts';
import { budgetName, nameOf } from './names.ts';

/** Why a pod is still there: the last answer to its eviction, and since when there was none better. */
export interface Holdup {
  readonly pod: PodFact;
  readonly kind: 'blocked' | 'busy' | 'impossible';
  readonly budget: string | null;
  readonly message: string;
  readonly sinceMs: number;
  /** Not asked again before: the server's own advice. */
  readonly againMs: number;
  /** What a policy did about it, or why it could do nothing. */
  readonly note: string | undefined;
}

/**
 * The holdup after an answer; undefined when nothing holds the pod any more. A server that was only busy says nothing
 * about a budget, so it does not end a hold. `written` is since when the pod is held by the journal, never in the future.
 */
export function holdupAfter(
  before: Holdup | undefined,
  pod: PodFact,
  result: EvictionResult,
  nowMs: number,
  written?: string,
): Holdup | undefined {
  if (result.kind === 'accepted' || result.kind === 'gone') return undefined;
  const againMs = nowMs + (result.kind === 'impossible' ? 0 : result.retryAfterMs);
  const wasHeld = before !== undefined && before.kind !== 'busy';
  if (result.kind === 'busy' && wasHeld) return { ...before, againMs };
  const isSame = wasHeld || before?.kind === result.kind;
  const firstMs = result.kind === 'busy' || written === undefined ? nowMs : Math.min(nowMs, Date.parse(written));
  return {
    pod,
    kind: result.kind,
    budget: result.kind === 'blocked' ? result.budget : null,
    message: result.message,
    sinceMs: isSame ? before.sinceMs : firstMs,
    againMs,
    note: before?.note,
  };
}

/** Why a pod that was told to go is still there; undefined while its grace period lasts. */
export function stuckSince(pod: PodFact, nowMs: number): string | undefined {
  const { goneBy, terminationGraceSeconds: graceSeconds, finalizers } = pod;
  return goneBy === null || !isLate(goneBy, nowMs) ? undefined : stuckText({ goneBy, graceSeconds, finalizers });
}

const MOST_NAMED = 10;

/** What a person reads while the drain goes on. It holds times and no durations: it changes only when something does. */
export function progressText(
  staying: readonly PodFact[],
  total: number,
  holdups: ReadonlyMap<string, Holdup>,
  nowMs: number,
): string {
  const held = staying.flatMap((pod) => {
    const holdup = holdups.get(pod.uid);
    if (holdup !== undefined) return [holdupText(holdup)];
    const stuck = stuckSince(pod, nowMs);
    return stuck === undefined ? [] : [`${nameOf(pod)} ${stuck}`];
  });
  const more = held.length - MOST_NAMED;
  const details = [...held.slice(0, MOST_NAMED), ...(more > 0 ? [`${more} more are held`] : [])];
  return [`${staying.length} of ${total} pods are still there`, ...details].join('; ');
}

/** Which pod, by what, since when, and in whose words. */
export function holdupText({ pod, kind, budget, message, sinceMs, note }: Holdup): string {
  const since = `since ${timeOf(sinceMs)}`;
  const what =
    kind === 'busy'
      ? `${nameOf(pod)} waits for the API server ${since} (${message})`
      : `${nameOf(pod)} is held by ${budgetName(pod, budget)} ${since} (${message})`;
  return note === undefined ? what : `${what}, ${note}`;
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}
