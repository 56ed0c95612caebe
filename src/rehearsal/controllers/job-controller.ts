import type { Job, Pod } from '../api/kinds.ts';
import { randomSuffix, timestamp } from '../api/object-changes.ts';
import { jobs, pods } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import { isTrue, notBefore, withCondition } from './conditions.ts';
import type { ControllerContext } from './controller-context.ts';
import { type JobVerdict, judgeJob } from './job-verdict.ts';
import { controlledPods, controllerOf, isActive, keyOf, ownerKeys, ownerReference, splitKey } from './ownership.ts';
import { failureAction } from './pod-failure-policy.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

export const JOB_TRACKING = 'batch.kubernetes.io/job-tracking';
const GENERATED_BASE_MAX = 58;
const FIRST_BACKOFF_SECONDS = 10;
const MAX_BACKOFF_SECONDS = 600;

/** Runs Jobs as `pkg/controller/job` does: pods with a finalizer until they are counted, then a final condition. */
export function startJobController(context: ControllerContext): Reconciler {
  const { store } = context;
  /** When a Job's last pod failed: the next one waits. Lost with the process, as in the real controller. */
  const failedAt = new Map<string, number>();
  return startReconciler(context, {
    keysOf: (event) => ownerKeys(jobs, event),
    initialKeys: () => store.list(jobs).map(keyOf),
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const job = store.get(jobs, name, namespace);
      releaseStrangers(store, namespace, name, job);
      return job === undefined ? undefined : reconcileJob(context, job, failedAt);
    },
  });
}

/** Pods whose Job is gone or another one by now: nobody counts them any more. */
function releaseStrangers(store: Store, namespace: string, name: string, job: Job | undefined): void {
  for (const pod of store.list(pods, { namespace })) {
    const owner = controllerOf(pod);
    if (owner?.kind === 'Job' && owner.name === name && owner.uid !== job?.metadata.uid) release(store, pod);
  }
}

export function release(store: Store, { metadata }: Pod): void {
  if (metadata.finalizers?.includes(JOB_TRACKING) !== true) return;
  store.modify(pods, metadata.name, metadata.namespace, (draft) => {
    draft.metadata.finalizers = draft.metadata.finalizers?.filter((each) => each !== JOB_TRACKING) ?? [];
  });
}

function isFinished({ status }: Job): boolean {
  return isTrue(status.conditions, 'Complete') || isTrue(status.conditions, 'Failed');
}

function reconcileJob(context: ControllerContext, job: Job, failedAt: Map<string, number>): number | undefined {
  const { store } = context;
  const owned = controlledPods(store, job);
  if (isFinished(job)) {
    for (const pod of owned) if (!isActive(pod)) release(store, pod);
    return expire(context, job);
  }
  const finished = owned.filter(
    (pod) => pod.metadata.finalizers?.includes(JOB_TRACKING) === true && isCounted(job, pod),
  );
  const policies = finished.map((pod) => (pod.status.phase === 'Succeeded' ? undefined : failureAction(job, pod)));
  const failures = finished.filter(
    (pod, index) => pod.status.phase !== 'Succeeded' && policies[index]?.kind !== 'ignore',
  );
  if (failures.length > 0) failedAt.set(job.metadata.uid, Date.now());
  const failJob = policies.find((policy) => policy?.kind === 'failJob');

  const active = owned.filter(isActive);
  const terminating = owned.filter(
    (pod) => !isActive(pod) && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed',
  );
  const succeeded = (job.status.succeeded ?? 0) + finished.filter((pod) => pod.status.phase === 'Succeeded').length;
  const failed = (job.status.failed ?? 0) + failures.length;
  const verdict = judgeJob(job, {
    succeeded,
    failed,
    active,
    failJobMessage: failJob?.message,
    now: store.now(),
    secondMs: context.secondMs,
  });

  if (verdict.kind !== 'running')
    for (const pod of active) store.delete(pods, pod.metadata.name, pod.metadata.namespace);
  const settled = active.length === 0 && terminating.length === 0;
  store.modify(jobs, job.metadata.name, job.metadata.namespace, (draft) => {
    writeStatus(draft, { succeeded, failed, active, terminating, verdict, settled, now: store.now() });
  });
  for (const pod of finished) release(store, pod);
  if (verdict.kind !== 'running' || job.metadata.deletionTimestamp !== undefined) return undefined;

  const held = job.spec.podReplacementPolicy === 'Failed' ? terminating.length : 0;
  const open = Math.min(job.spec.parallelism ?? 1, (job.spec.completions ?? Number.POSITIVE_INFINITY) - succeeded);
  const missing = open - active.length - held;
  if (missing <= 0) return verdict.againMs;
  const waitMs = backoffMs(failed, failedAt.get(job.metadata.uid), context);
  if (waitMs > 0) return waitMs;
  for (let count = 0; count < missing; count += 1) createPod(store, job);
  return verdict.againMs;
}

/** Whether a pod has ended for the Job; a pod that is only being deleted counts as failed unless the Job replaces failed ones only. */
function isCounted(job: Job, { metadata, status }: Pod): boolean {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return true;
  return metadata.deletionTimestamp !== undefined && job.spec.podReplacementPolicy !== 'Failed';
}

function backoffMs(failed: number, lastFailure: number | undefined, context: ControllerContext): number {
  if (failed === 0 || lastFailure === undefined) return 0;
  const longest = context.longestBackoffSeconds ?? MAX_BACKOFF_SECONDS;
  const seconds = Math.min(FIRST_BACKOFF_SECONDS * 2 ** (failed - 1), longest);
  return lastFailure + seconds * context.secondMs - Date.now();
}

interface JobCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  readonly verdict: JobVerdict;
  readonly settled: boolean;
  readonly now: Date;
}

function writeStatus(job: Job, { succeeded, failed, active, terminating, verdict, settled, now }: JobCounts): void {
  const { status } = job;
  const isOver = verdict.kind === 'complete' || verdict.kind === 'failed';
  if (job.spec.suspend === true) delete status.startTime;
  else status.startTime ??= timestamp(now);
  setCount(status, 'active', verdict.kind === 'running' ? active.length : 0);
  setCount(status, 'succeeded', succeeded);
  setCount(status, 'failed', failed);
  status.ready = verdict.kind === 'running' ? active.filter((pod) => isTrue(pod.status.conditions, 'Ready')).length : 0;
  status.terminating = terminating.length;
  status['uncountedTerminatedPods'] = {};
  if (verdict.kind === 'suspended') {
    const condition = { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' };
    status.conditions = withCondition(status.conditions, condition, now);
  } else if (isTrue(status.conditions, 'Suspended')) {
    const condition = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' };
    status.conditions = withCondition(status.conditions, condition, now);
  }
  if (!isOver) return;
  const { reason, message } = verdict;
  const first = verdict.kind === 'complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  status.conditions = withCondition(status.conditions, { type: first, status: 'True', reason, message }, now);
  if (!settled) return;
  const last = verdict.kind === 'complete' ? 'Complete' : 'Failed';
  status.conditions = withCondition(status.conditions, { type: last, status: 'True', reason, message }, now);
  if (verdict.kind === 'complete') status.completionTime = timestamp(now);
}

/** Counts of zero are absent on the wire. */
function setCount(status: Job['status'], field: 'active' | 'succeeded' | 'failed', count: number): void {
  if (count === 0) delete status[field];
  else status[field] = count;
}

function createPod(store: Store, job: Job): void {
  const { name, namespace } = job.metadata;
  const { metadata, spec } = job.spec.template;
  const base = `${name}-`.slice(0, GENERATED_BASE_MAX);
  store.create(pods, {
    metadata: {
      name: `${base}${randomSuffix()}`,
      generateName: base,
      ...(namespace === undefined ? {} : { namespace }),
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      finalizers: [JOB_TRACKING],
      ownerReferences: [ownerReference(jobs, job)],
    },
    spec,
  });
}

/** Deletes a finished Job when its time to live is over, with its pods. */
function expire({ store, secondMs }: ControllerContext, job: Job): number | undefined {
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const ended = job.status.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed')?.lastTransitionTime;
  const leftMs = notBefore(ended) + ttl * secondMs - store.now().getTime();
  if (leftMs > 0) return leftMs;
  store.delete(jobs, job.metadata.name, job.metadata.namespace, { propagationPolicy: 'Foreground' });
  return undefined;
}
