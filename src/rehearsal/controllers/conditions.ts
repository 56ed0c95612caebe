import type { Condition } from '../api/kinds.ts';
import { timestamp } from '../api/object-changes.ts';

/** Type, status and, when there is one, why. */
export type NextCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === 'True';
}

/** The conditions with one of them set; its transition time moves only when its status does. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: NextCondition,
  now: Date,
): Condition[] {
  const known = conditionOf(conditions, next.type);
  const changed = known === undefined || known.status !== next.status;
  const lastTransitionTime = changed ? timestamp(now) : (known.lastTransitionTime ?? timestamp(now));
  const condition: Condition = { ...next, lastTransitionTime };
  if (known === undefined) return [...(conditions ?? []), condition];
  return (conditions ?? []).map((each) => (each.type === next.type ? condition : each));
}

/** A time of the API is cut to whole seconds: what is counted from it must not be over before its time. */
export function notBefore(time: string | undefined): number {
  return Date.parse(time ?? '') + 999;
}
