import type { Job, Pod } from '../api/kinds.ts';
import { conditionOf, isTrue, notBefore } from './conditions.ts';

export type JobVerdict =
  | { readonly kind: 'running'; readonly againMs?: number }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'complete' | 'failed'; readonly reason: string; readonly message: string };

export interface JobState {
  readonly succeeded: number;
  readonly failed: number;
  readonly active: readonly Pod[];
  /** Set when the failure policy ends the Job. */
  readonly failJobMessage: string | undefined;
  readonly now: Date;
  readonly secondMs: number;
}

/** Whether a Job is over, and why, in the order in which the real controller asks. */
export function judgeJob({ spec, status }: Job, state: JobState): JobVerdict {
  const failing = conditionOf(status.conditions, 'FailureTarget');
  if (failing?.status === 'True') {
    return { kind: 'failed', reason: failing.reason ?? '', message: failing.message ?? '' };
  }
  const complete = {
    kind: 'complete',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  } as const;
  if (isTrue(status.conditions, 'SuccessCriteriaMet')) return complete;
  if (state.failJobMessage !== undefined) {
    return { kind: 'failed', reason: 'PodFailurePolicy', message: state.failJobMessage };
  }
  const limit = spec.backoffLimit ?? 6;
  if (state.failed > limit || pastRestarts(spec.template.spec.restartPolicy, state.active, limit)) {
    const message = 'Job has reached the specified backoff limit';
    return { kind: 'failed', reason: 'BackoffLimitExceeded', message };
  }
  const leftMs = deadlineMs(spec.activeDeadlineSeconds, status.startTime, state);
  if (leftMs !== undefined && leftMs <= 0 && spec.suspend !== true) {
    return { kind: 'failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  if (
    spec.completions === undefined
      ? state.succeeded > 0 && state.active.length === 0
      : state.succeeded >= spec.completions
  ) {
    return complete;
  }
  if (spec.suspend === true) return { kind: 'suspended' };
  return leftMs === undefined ? { kind: 'running' } : { kind: 'running', againMs: leftMs };
}

function deadlineMs(
  seconds: number | undefined,
  startTime: string | undefined,
  { now, secondMs }: JobState,
): number | undefined {
  if (seconds === undefined) return undefined;
  const start = startTime === undefined ? now.getTime() : notBefore(startTime);
  return start + seconds * secondMs - now.getTime();
}

/** Containers that are started again in place count towards the limit as well. */
function pastRestarts(restartPolicy: string | undefined, active: readonly Pod[], limit: number): boolean {
  if (restartPolicy !== 'OnFailure') return false;
  const statuses = active.flatMap((pod) => pod.status.containerStatuses ?? []);
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
