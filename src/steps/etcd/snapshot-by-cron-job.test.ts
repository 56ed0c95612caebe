import { describe, expect, it } from 'vitest';
import { controlPlane } from '../../../test/support/clusters.ts';
import { exampleJob, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, exampleShell, refusalOf } from '../../../test/support/example-step.ts';
import type { JobOrigin } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/kube-error.ts';
import type { JobFact } from '../../facts/facts.ts';
import { snapshot } from './snapshot.ts';

const RUN = '5f3c1a2b-0000-4000-8000-000000000000';
const JOB = 'pre-upgrade-etcd-1-36-4-20261121-5f3c1a2b';
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
  /** What the Job of an earlier try differs in from one of this run. */
  readonly origin?: Partial<JobOrigin>;
  /** What the Job that is made differs in. */
  readonly made?: Partial<JobOrigin>;
  /** What file-size.sh says. */
  readonly onNode?: string;
}

/** A cluster with a CronJob that backs up etcd. */
function scene({ settings = {}, exists = true, before, becomes = ['complete'], log = [DONE], ...more }: Options = {}) {
  let status: JobFact['status'] | undefined = before;
  let looks = 0;
  let reads = 0;
  let isNew = false;
  const calls: string[] = [];
  const shell = exampleShell({ 'file-size': { stdout: more.onNode ?? '' } });
  const world = exampleWorld({
    nodes: [controlPlane('cp-1')],
    deps: { shell },
    settings: {
      snapshot: { namespace: 'ops', cronJob: 'backup', own: false, ...settings },
      waits: { snapshotSeconds: 20 },
    },
    cluster: {
      cronJob: async (namespace, name) => {
        calls.push(`look for ${namespace}/${name}`);
        return exists ? { uid: 'cron-1', program: 'p', suspended: false, image: '' } : undefined;
      },
      job: async (name, _signal, namespace) => {
        if (isNew) status = becomes[Math.min(looks++, becomes.length - 1)];
        return status === undefined ? undefined : exampleJob(`${namespace}/${name}`, { status });
      },
      deleteJob: async (name, _signal, namespace) => {
        calls.push(`delete ${namespace}/${name}`);
        status = undefined;
      },
      jobOrigin: async (): Promise<JobOrigin | undefined> => {
        if (status === undefined && !isNew) return undefined;
        const own = { cronJob: 'cron-1', run: RUN, program: 'p', node: null, hostPaths: [] };
        return { createdAt: world.deps.clock.now().toISOString(), ...own, ...(isNew ? more.made : more.origin) };
      },
      createJobFromCronJob: async (namespace, cronJob, name, run) => {
        calls.push(`create ${namespace}/${name} from ${cronJob}`);
        expect(run).toBe(RUN);
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
  world.annotations.set('nightlift/k8s-upgrade-run', RUN);
  const context = contextIn(world, { phase: 'preflight' });
  const path = (): string | undefined => world.annotations.get('nightlift/k8s-upgrade-snapshot-path');
  return { world, calls, path, context, shell, run: () => snapshot.run(context) };
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
      'takes another one when that of an earlier try is older than snapshot.maxAgeSeconds',
      { before: 'complete', origin: { createdAt: '2026-11-21T00:00:00Z' } },
      [LOOK, DELETE, CREATE, LOG],
    ],
    [
      'takes another one when the CronJob says something else by now',
      { before: 'complete', origin: { program: 'older' } },
      [LOOK, DELETE, CREATE, LOG],
    ],
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

  it.each<[string, Options]>([
    ['that another run has made', { before: 'complete', origin: { run: 'other' } }],
    ['that nobody says to have made', { before: 'active', origin: { run: null } }],
    ['of another CronJob', { before: 'complete', origin: { cronJob: 'cron-2' } }],
    ['of no CronJob', { before: 'complete', origin: { cronJob: null } }],
    ['that has taken the place of the one that was made', { made: { cronJob: null } }],
  ])('I10 refuses, and neither believes nor deletes, a Job of that name %s', async (_title, options) => {
    const { run, calls, path } = scene(options);
    expect(await refusalOf(run())).toMatchObject([
      { reason: 'SnapshotJobForeign', message: expect.stringContaining(`The Job ops/${JOB},`) as string },
    ]);
    expect(calls).not.toContain(DELETE);
    expect(calls).not.toContain(LOG);
    expect(path()).toBeUndefined();
  });

  it('is not taken for a run without an id', async () => {
    const { run, world } = scene();
    world.annotations.clear();
    expect(await errorOf(run())).toMatchObject({ kind: 'phase', message: expect.stringContaining('has no id') });
  });

  const ON_NODE = { node: 'cp-1', hostPaths: [{ inPod: '/b/', onNode: '/var/backup/' }] };
  it('is looked for on the node when its file is there', async () => {
    const { run, shell, path } = scene({ made: ON_NODE, onNode: 'nightlift-file\t2048\n' });
    await run();
    expect(shell.asked).toEqual(['file-size on cp-1']);
    expect(shell.scripts[0]?.text).toContain("\nFILE='/var/backup/etcd.db'\n");
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
    ['its Job runs something else', { made: { program: 'echo' } }, 'it does not run what CronJob ops/backup says'],
    [
      'its file is not there',
      { made: ON_NODE, onNode: 'nightlift-file\tabsent\n' },
      'it says that /b/etcd.db has 2048 bytes, and /var/backup/etcd.db on cp-1 is not there',
    ],
    [
      'its file has another size',
      { made: ON_NODE, onNode: 'nightlift-file\t2047\n' },
      'it says that /b/etcd.db has 2048 bytes, and /var/backup/etcd.db on cp-1 has 2047 bytes',
    ],
    [
      'the node says nothing of its file',
      { made: ON_NODE, onNode: '' },
      'it says that /b/etcd.db has 2048 bytes, and /var/backup/etcd.db on cp-1 cannot be seen',
    ],
    [
      'its node is gone',
      { made: { ...ON_NODE, node: 'cp-9' } },
      'it was written on cp-9, and there is no such node any more',
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
