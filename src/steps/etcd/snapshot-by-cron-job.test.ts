import { describe, expect, it } from 'vitest';
import { exampleJob, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import { ClusterError } from '../../cluster/kube-error.ts';
import type { JobFact } from '../../facts/facts.ts';
import { snapshot } from './snapshot.ts';

const JOB = 'pre-upgrade-etcd-1-36-4-20261121';
const DONE = 'Backup done: /b/etcd.db (2048 bytes)';
const gone = new ClusterError('reading the log', { status: 404, reason: 'NotFound' });

interface Options {
  readonly settings?: object;
  /** Whether there is such a CronJob. */
  readonly exists?: boolean;
  /** The status of the Job of an earlier try. */
  readonly before?: JobFact['status'];
  /** What the Job's status is with each look, the last one for ever; undefined: it is gone. */
  readonly becomes?: readonly (JobFact['status'] | undefined)[];
  /** What the log says with each look, the last one for ever. */
  readonly log?: readonly (string | Error)[];
}

/** A cluster with a CronJob that backs up etcd. */
function scene({ settings = {}, exists = true, before, becomes = ['complete'], log = [DONE] }: Options = {}) {
  let status: JobFact['status'] | undefined = before;
  let looks = 0;
  let reads = 0;
  let isNew = false;
  const calls: string[] = [];
  const world = exampleWorld({
    settings: {
      snapshot: { namespace: 'ops', cronJob: 'backup', own: false, ...settings },
      waits: { snapshotSeconds: 20 },
    },
    cluster: {
      cronJob: async (namespace, name) => {
        calls.push(`look for ${namespace}/${name}`);
        return exists ? { suspended: false, image: '' } : undefined;
      },
      job: async (name, _signal, namespace) => {
        if (isNew) status = becomes[Math.min(looks++, becomes.length - 1)];
        return status === undefined ? undefined : exampleJob(`${namespace}/${name}`, { status });
      },
      deleteJob: async (name, _signal, namespace) => {
        calls.push(`delete ${namespace}/${name}`);
        status = undefined;
      },
      createJobFromCronJob: async (namespace, cronJob, name) => {
        calls.push(`create ${namespace}/${name} from ${cronJob}`);
        isNew = true;
        return status === undefined ? 'created' : 'exists';
      },
      jobLog: async (namespace, name, lines) => {
        calls.push(`log of ${namespace}/${name}, ${lines} lines`);
        const text = log[Math.min(reads++, log.length - 1)];
        if (text instanceof Error) throw text;
        return text ?? '';
      },
    },
  });
  const context = contextIn(world, { phase: 'preflight' });
  const path = (): string | undefined => world.annotations.get('nightlift/k8s-upgrade-snapshot-path');
  return { world, calls, path, context, run: () => snapshot.run(context) };
}

const LOOK = 'look for ops/backup';
const CREATE = `create ops/${JOB} from backup`;
const LOG = `log of ops/${JOB}, 50 lines`;
const DELETE = `delete ops/${JOB}`;

describe('a snapshot by a CronJob', () => {
  it('is taken by a Job of the day, verified by its log, and recorded', async () => {
    const { run, calls, path, world } = scene({ becomes: ['active', undefined, 'complete'] });
    await run();
    expect(calls).toEqual([LOOK, CREATE, LOG]);
    expect(path()).toBe('/b/etcd.db');
    expect([...world.seen.gauges]).toEqual([['k8s_upgrade_snapshot_taken', 1]]);
    expect(world.passed()).toBe(10);
    expect(world.seen.log.at(-1)).toMatchObject({
      message: 'etcd snapshot taken',
      fields: { file: '/b/etcd.db', bytes: 2048 },
    });
    expect(world.seen.log.flatMap(({ fields }) => fields['missing'] ?? [])).toEqual(['it is active', 'it is gone']);
  });

  it.each<[string, Options, string[]]>([
    ['follows the Job of an earlier try that is at work still', { before: 'active' }, [LOOK, CREATE, LOG]],
    ['takes the snapshot of an earlier try', { before: 'complete' }, [LOOK, LOG, CREATE, LOG]],
    ['takes another one when the earlier Job failed', { before: 'failed' }, [LOOK, DELETE, CREATE, LOG]],
    [
      'takes another one when the earlier Job has no pod any more',
      { before: 'complete', log: [gone, DONE] },
      [LOOK, LOG, DELETE, CREATE, LOG],
    ],
    [
      "takes another one when the earlier Job's log says nothing",
      { before: 'complete', log: ['', DONE] },
      [LOOK, LOG, DELETE, CREATE, LOG],
    ],
  ])('%s', async (_title, options, expected) => {
    const { run, calls, path } = scene(options);
    await run();
    expect(calls).toEqual(expected);
    expect(path()).toBe('/b/etcd.db');
  });

  it.each<[string, Options, string]>([
    ['the Job fails', { becomes: ['active', 'failed'] }, 'the Job failed'],
    ['its log says nothing', { log: ['ok'] }, 'its log has no line "Backup done: <file> (<n> bytes)"'],
    ['its pod is gone', { log: [gone] }, 'its log has no line "Backup done: <file> (<n> bytes)"'],
    [
      'it is too small',
      { log: ['Backup done: /b/etcd.db (1023 bytes)'] },
      'the snapshot has 1023 bytes, less than 1024',
    ],
  ])('I10 fails, required or not, and is not recorded, when %s', async (_title, options, problem) => {
    for (const required of [true, false]) {
      const { run, path, world } = scene({ ...options, settings: { required } });
      expect(await errorOf(run())).toMatchObject({
        kind: 'phase',
        message: `taking the etcd snapshot with Job ops/${JOB}: ${problem}`,
        remedy: expect.stringContaining(`kubectl -n ops logs job/${JOB}`) as string,
      });
      expect([path(), world.seen.gauges.size]).toEqual([undefined, 0]);
    }
  });

  it('is large enough with just what the settings ask for', async () => {
    const { run, path } = scene({ settings: { minimumBytes: 2048 } });
    await run();
    expect(path()).toBe('/b/etcd.db');
  });

  it('fails when the Job does not end in time', async () => {
    const { run, world } = scene({ becomes: ['active'] });
    expect(await errorOf(run())).toMatchObject({
      kind: 'timeout',
      message: `waiting 20 s for the snapshot Job ops/${JOB}: it is active`,
    });
    expect(world.passed()).toBe(20);
  });

  it('is no failure of the snapshot when the API server says no', async () => {
    const forbidden = new ClusterError('reading the log', { status: 403, reason: 'Forbidden' });
    expect(await errorOf(scene({ log: [forbidden] }).run())).toBe(forbidden);
  });
});

describe('a cluster without that CronJob', () => {
  it.each([
    ['is named and not there', 'backup', 'An etcd snapshot is required, and there is no CronJob ops/backup', [LOOK]],
    ['is not named, and not looked for', '', 'An etcd snapshot is required, and snapshot.cronJob is empty', []],
  ])('is refused when one is required: it %s', async (_title, cronJob, message, looked) => {
    const { run, calls } = scene({ exists: false, settings: { cronJob } });
    expect(await refusalOf(run())).toEqual([
      {
        check: 'snapshot',
        reason: 'SnapshotMissing',
        class: 'actionable',
        severity: 'block',
        message,
        remedy: expect.stringContaining('snapshot.cronJob') as string,
      },
    ]);
    expect(calls).toEqual(looked);
  });

  it('goes on with a warning when none is required', async () => {
    const { run, calls, world, path } = scene({ exists: false, settings: { required: false } });
    await run();
    expect(calls).toEqual([LOOK]);
    expect(world.seen.log.map(({ level, fields }) => [level, fields])).toEqual([['warn', { cronJob: 'ops/backup' }]]);
    expect(path()).toBeUndefined();
  });

  it.each([
    [{ cronJob: '', own: false, required: false }, 'no way to take one is set, and none is required'],
    [{ cronJob: 'backup', own: false, required: false }, undefined],
    [{ cronJob: '', own: true, required: false }, undefined],
    [{ cronJob: '', own: false, required: true }, undefined],
  ])('is skipped only without any way and any wish: %j', async (settings, want) => {
    expect(await snapshot.skip?.(scene({ settings }).context)).toBe(want);
  });
});
