import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import { isNotFound } from '../../cluster/kube-error.ts';
import { NightliftError } from '../../errors.ts';
import { pushGauges } from '../../metrics/gauges.ts';
import { versionLabel } from '../../version.ts';
import { takeEtcdSnapshot } from './own-snapshot.ts';
import { parseSnapshotLog, type SnapshotReport } from './snapshot-log.ts';

const LOG_LINES = 50;

/** etcd cannot be rolled back without a snapshot, so none that is verified means no run. */
export const snapshot: ActionStep = {
  name: 'snapshot',
  summary: 'take an etcd snapshot and verify it',
  async skip({ deps }) {
    const { cronJob, own, required } = deps.settings.snapshot;
    return cronJob === '' && !own && !required ? 'no way to take one is set, and none is required' : undefined;
  },
  async run(context) {
    const { deps, signal } = context;
    const { cronJob, namespace, own, required } = deps.settings.snapshot;
    const existing = cronJob === '' ? undefined : await deps.cluster.cronJob(namespace, cronJob, signal);
    if (existing !== undefined) return await takeByCronJob(context, namespace, cronJob);
    if (own) return await takeEtcdSnapshot(context);
    if (required) throw missingCronJob(namespace, cronJob);
    deps.log.warn('no etcd snapshot: there is no such CronJob, and the settings do not require one', {
      cronJob: `${namespace}/${cronJob}`,
    });
  },
};

async function takeByCronJob(context: Context, namespace: string, cronJob: string): Promise<void> {
  const { deps, target, signal } = context;
  const { minimumBytes } = deps.settings.snapshot;
  // One name for a day: a retried preflight follows the Job of its first try.
  const day = deps.clock.now().toISOString().slice(0, 10).replaceAll('-', '');
  const job = `pre-upgrade-etcd-${versionLabel(target)}-${day}`;
  const before = (await deps.cluster.job(job, signal, namespace))?.status;
  // A drain takes the pods of finished Jobs along, and their logs: such a Job proves nothing any more.
  if (before === 'failed' || (before === 'complete' && (await reportOf(context, namespace, job)) === undefined))
    await deps.cluster.deleteJob(job, signal, namespace);
  await deps.cluster.createJobFromCronJob(namespace, cronJob, job, signal);
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
  const report = await reportOf(context, namespace, job);
  if (report === undefined) throw failed(job, namespace, 'its log has no line "Backup done: <file> (<n> bytes)"');
  if (report.bytes < minimumBytes)
    throw failed(job, namespace, `the snapshot has ${report.bytes} bytes, less than ${minimumBytes}`);
  await recordRun(context, { 'snapshot-path': report.file });
  await pushGauges(context, { k8s_upgrade_snapshot_taken: 1 });
  deps.log.info('etcd snapshot taken', { file: report.file, bytes: report.bytes });
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
