import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { noteSnapshot } from '../../chain/run-history.ts';
import { recordRun } from '../../chain/run-record.ts';
import type { CronJobFact, JobOrigin } from '../../cluster/cluster.ts';
import { isNotFound } from '../../cluster/kube-error.ts';
import { NightliftError } from '../../errors.ts';
import { pushGauges } from '../../metrics/gauges.ts';
import { readRun } from '../../observe/run-record.ts';
import { versionLabel } from '../../version.ts';
import { takeEtcdSnapshot } from './own-snapshot.ts';
import { parseSnapshotLog, type SnapshotReport } from './snapshot-log.ts';
import { problemOnNode } from './snapshot-on-node.ts';

const LOG_LINES = 50;

/** etcd cannot be rolled back without a snapshot, so none that is verified means no run. */
export const snapshot: ActionStep = {
  name: 'snapshot',
  summary: 'take an etcd snapshot and verify it',
  longest: ({ kubeadm, waits }) => Math.max(kubeadm.timeoutSeconds, waits.snapshotSeconds),
  async skip({ deps }) {
    const { cronJob, own, required } = deps.settings.snapshot;
    return cronJob === '' && !own && !required ? 'no way to take one is set, and none is required' : undefined;
  },
  async run(context) {
    const { deps, signal } = context;
    const { cronJob, namespace, own, required } = deps.settings.snapshot;
    const existing = cronJob === '' ? undefined : await deps.cluster.cronJob(namespace, cronJob, signal);
    if (existing !== undefined)
      return await takeByCronJob(context, await snapshotsOf(context, namespace, cronJob, existing));
    if (own) return await takeEtcdSnapshot(context);
    if (required) throw missingCronJob(namespace, cronJob);
    deps.log.warn('no etcd snapshot: there is no such CronJob, and the settings do not require one', {
      cronJob: `${namespace}/${cronJob}`,
    });
  },
};

interface Snapshots {
  readonly namespace: string;
  readonly name: string;
  readonly cronJob: CronJobFact;
  /** Id of the run. */
  readonly run: string;
  readonly job: string;
}

/** One name for a day of a run: a preflight that is tried again follows the Job of its first try. */
async function snapshotsOf(
  context: Context,
  namespace: string,
  name: string,
  cronJob: CronJobFact,
): Promise<Snapshots> {
  const { run } = await readRun(context);
  if (run === undefined)
    throw new NightliftError('phase', 'taking the etcd snapshot: the run has no id on its namespace', {
      remedy: 'Somebody has removed the record of the run; the next try writes it anew. Nothing was upgraded.',
    });
  const day = context.deps.clock.now().toISOString().slice(0, 10).replaceAll('-', '');
  const job = `pre-upgrade-etcd-${versionLabel(context.target)}-${day}-${run.slice(0, 8)}`;
  return { namespace, name, cronJob, run, job };
}

async function takeByCronJob(context: Context, snapshots: Snapshots): Promise<void> {
  const { deps, signal } = context;
  const { minimumBytes } = deps.settings.snapshot;
  const { namespace, name, run, job } = snapshots;
  if (!(await mayFollow(context, snapshots))) await deps.cluster.deleteJob(job, signal, namespace);
  await deps.cluster.createJobFromCronJob(namespace, name, job, run, signal);
  await context.waiter.until(
    `the snapshot Job ${namespace}/${job}`,
    async () => {
      const status = (await deps.cluster.job(job, signal, namespace))?.status;
      if (status === 'failed') throw failed(job, namespace, 'the Job failed');
      return status === 'complete'
        ? { done: true, value: undefined }
        : { done: false, missing: `it is ${status ?? 'gone'}` };
    },
    { seconds: deps.settings.waits.snapshotSeconds, remedy: `kubectl -n ${namespace} logs job/${job}` },
  );
  const origin = await deps.cluster.jobOrigin(namespace, job, signal);
  if (origin === undefined || !isOwn(origin, snapshots)) throw foreign(snapshots);
  if (origin.program !== snapshots.cronJob.program)
    throw failed(job, namespace, `it does not run what CronJob ${namespace}/${name} says`);
  const report = await reportOf(context, namespace, job);
  if (report === undefined) throw failed(job, namespace, 'its log has no line "Backup done: <file> (<n> bytes)"');
  if (report.bytes < minimumBytes)
    throw failed(job, namespace, `the snapshot has ${report.bytes} bytes, less than ${minimumBytes}`);
  const problem = await problemOnNode(context, report, origin);
  if (problem !== undefined) throw failed(job, namespace, problem);
  await recordRun(context, { 'snapshot-path': report.file, 'snapshot-bytes': String(report.bytes) });
  await noteSnapshot(context, { path: report.file, bytes: report.bytes, hash: null });
  await pushGauges(context, { k8s_upgrade_snapshot_taken: 1 });
  deps.log.info('etcd snapshot taken', { file: report.file, bytes: report.bytes });
}

/**
 * Whether the Job of that name, if there is one, is a snapshot of this run that counts or may come to count. A name proves
 * nothing: whoever may create Jobs there can use it. @throws Refused for a Job that this run has not made.
 */
async function mayFollow(context: Context, snapshots: Snapshots): Promise<boolean> {
  const { deps, signal } = context;
  const { namespace, job, cronJob } = snapshots;
  const origin = await deps.cluster.jobOrigin(namespace, job, signal);
  if (origin === undefined) return true;
  if (!isOwn(origin, snapshots)) throw foreign(snapshots);
  const ageMs = deps.clock.now().getTime() - Date.parse(origin.createdAt);
  if (origin.program !== cronJob.program || ageMs > deps.settings.snapshot.maxAgeSeconds * 1000) return false;
  const status = (await deps.cluster.job(job, signal, namespace))?.status;
  // A drain takes the pods of finished Jobs along, and their logs: such a Job proves nothing any more.
  return status === 'complete' ? (await reportOf(context, namespace, job)) !== undefined : status !== 'failed';
}

function isOwn(origin: JobOrigin, { cronJob, run }: Snapshots): boolean {
  return origin.cronJob === cronJob.uid && origin.run === run;
}

function foreign({ namespace, name, job }: Snapshots): Refused {
  return new Refused([
    {
      check: 'snapshot',
      reason: 'SnapshotJobForeign',
      class: 'actionable',
      severity: 'block',
      message: `The Job ${namespace}/${job}, which would take the etcd snapshot, was not made by this run from CronJob ${namespace}/${name}`,
      remedy: `Find out who has made it: kubectl -n ${namespace} get job ${job} -o yaml; then delete it.`,
    },
  ]);
}

/** What the Job says that it has done; undefined when it says nothing, or has no pod any more. */
async function reportOf(
  { deps, signal }: Context,
  namespace: string,
  job: string,
): Promise<SnapshotReport | undefined> {
  try {
    return parseSnapshotLog(await deps.cluster.jobLog(namespace, job, LOG_LINES, signal));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function failed(job: string, namespace: string, problem: string): NightliftError {
  return new NightliftError('phase', `taking the etcd snapshot with Job ${namespace}/${job}: ${problem}`, {
    remedy: `kubectl -n ${namespace} logs job/${job}; nothing was upgraded, the next night tries again.`,
  });
}

function missingCronJob(namespace: string, cronJob: string): Refused {
  return new Refused([
    {
      check: 'snapshot',
      reason: 'SnapshotMissing',
      class: 'actionable',
      severity: 'block',
      message:
        cronJob === ''
          ? 'An etcd snapshot is required, and snapshot.cronJob is empty'
          : `An etcd snapshot is required, and there is no CronJob ${namespace}/${cronJob}`,
      remedy:
        'Create that CronJob, name yours in snapshot.cronJob and snapshot.namespace, or set snapshot.own to true or snapshot.required to false.',
    },
  ]);
}
