import type { CronJob, Job, OwnerReference } from '../api/kinds.ts';
import { randomSuffix, timestamp } from '../api/object-changes.ts';
import { cronJobs, jobs } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import { isTrue } from './conditions.ts';
import type { ControllerContext } from './controller-context.ts';
import { controllerOf, keyOf, ownerKeys, ownerReference, splitKey } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** Keeps the status and the history of CronJobs. Nothing starts by the clock: see `triggerCronJob` and `runScheduled`. */
export function startCronJobController(context: ControllerContext): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: (event) => ownerKeys(cronJobs, event),
    initialKeys: () => store.list(cronJobs).map(keyOf),
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const cronJob = store.get(cronJobs, name, namespace);
      if (cronJob !== undefined) reconcile(store, cronJob);
      return undefined;
    },
  });
}

function jobsOf(store: Store, { metadata }: CronJob): Job[] {
  const all = store.list(jobs, metadata.namespace === undefined ? {} : { namespace: metadata.namespace });
  return all.filter((job) => controllerOf(job)?.uid === metadata.uid);
}

function reconcile(store: Store, cronJob: CronJob): void {
  const owned = jobsOf(store, cronJob);
  const complete = owned.filter((job) => isTrue(job.status.conditions, 'Complete'));
  const failed = owned.filter((job) => isTrue(job.status.conditions, 'Failed'));
  // Jobs that a person made from it are its own for cleaning up, but they do not forbid the scheduled one.
  const scheduled = owned.filter(({ metadata }) => metadata.annotations?.[SCHEDULED] !== undefined);
  const active = scheduled.filter((job) => !complete.includes(job) && !failed.includes(job));
  trim(store, complete, cronJob.spec.successfulJobsHistoryLimit ?? 3);
  trim(store, failed, cronJob.spec.failedJobsHistoryLimit ?? 1);
  const lastSuccessfulTime = complete
    .map(({ status }) => status.completionTime ?? '')
    .sort()
    .at(-1);
  store.modify(cronJobs, cronJob.metadata.name, cronJob.metadata.namespace, (draft) => {
    const references = active.map(({ metadata }) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      name: metadata.name,
      namespace: metadata.namespace,
      uid: metadata.uid,
    }));
    if (references.length > 0) draft.status.active = references;
    else delete draft.status.active;
    if (lastSuccessfulTime !== undefined) draft.status.lastSuccessfulTime = lastSuccessfulTime;
  });
}

function trim(store: Store, finished: readonly Job[], limit: number): void {
  const oldestFirst = [...finished].sort((left, right) =>
    (left.status.startTime ?? '').localeCompare(right.status.startTime ?? ''),
  );
  for (const { metadata } of oldestFirst.slice(0, Math.max(0, finished.length - limit))) {
    if (metadata.deletionTimestamp !== undefined) continue;
    store.delete(jobs, metadata.name, metadata.namespace, { propagationPolicy: 'Background' });
  }
}

/** What `kubectl create job --from=cronjob/NAME` makes. It runs whether the CronJob is suspended or not. */
export function triggerCronJob(store: Store, name: string, namespace: string, jobName?: string): Job {
  const cronJob = store.read(cronJobs, name, namespace);
  const { blockOwnerDeletion: _, ...owner } = ownerReference(cronJobs, cronJob);
  return createJob(store, cronJob, jobName ?? `${name}-${randomSuffix()}`, owner, {
    'cronjob.kubernetes.io/instantiate': 'manual',
  });
}

/** What the controller does when the hour has come; nothing when suspended, or forbidden while one is active. */
export function runScheduled(store: Store, name: string, namespace: string, at: Date): Job | undefined {
  const cronJob = store.read(cronJobs, name, namespace);
  if (cronJob.spec.suspend === true) return undefined;
  const isActive = (cronJob.status.active ?? []).length > 0;
  if (isActive && cronJob.spec.concurrencyPolicy === 'Forbid') return undefined;
  store.modify(cronJobs, name, namespace, (draft) => {
    draft.status.lastScheduleTime = timestamp(at);
  });
  const jobName = `${name}-${Math.floor(at.getTime() / 60_000)}`;
  return createJob(store, cronJob, jobName, ownerReference(cronJobs, cronJob), {
    [SCHEDULED]: timestamp(at),
  });
}

function createJob(
  store: Store,
  { spec, metadata }: CronJob,
  name: string,
  owner: OwnerReference,
  annotations: Record<string, string>,
): Job {
  const template = spec.jobTemplate;
  return store.create(jobs, {
    metadata: {
      name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(template.metadata?.labels === undefined ? {} : { labels: template.metadata.labels }),
      annotations: { ...template.metadata?.annotations, ...annotations },
      ownerReferences: [owner],
    },
    spec: template.spec,
  });
}
