import { expect, it } from 'vitest';
import { type Bench, OWN, PREFIX, signal, WORLD } from './bench.ts';

export function describeJobs(bench: () => Bench): void {
  it('creates a Job once, reads it back, and deletes it with its pods', async () => {
    const { cluster, until } = bench();
    const manifest = jobManifest('k8s-upgrade-worker-1-36-4-worker-1');
    const { name } = manifest.metadata;
    expect(await cluster.createJob(manifest, signal)).toBe('created');
    expect(await cluster.createJob(manifest, signal)).toBe('exists');
    const fact = {
      name,
      phase: 'worker',
      target: '1.36.4',
      node: 'worker-1',
      runner: 'cp-1',
      status: 'active',
      reason: '',
      createdAt: expect.any(String) as string,
      finishedAt: null,
      retriesLeft: 0,
    };
    expect(await cluster.job(name, signal)).toEqual(fact);
    expect(await cluster.jobs('app=k8s-upgrade-chain', signal)).toEqual([fact]);
    expect(await cluster.jobs('app=else', signal)).toEqual([]);
    expect(await cluster.jobs('app=k8s-upgrade-chain', signal, 'open')).toEqual([fact]);
    await until(async () =>
      (await cluster.pods({ namespace: OWN, labels: `batch.kubernetes.io/job-name=${name}` }, signal)).length === 1
        ? true
        : undefined,
    );
    await cluster.deleteJob(name, signal);
    expect(await cluster.job(name, signal)).toBeUndefined();
    expect(await cluster.pods({ namespace: OWN, labels: `batch.kubernetes.io/job-name=${name}` }, signal)).toEqual([]);
    await cluster.deleteJob(name, signal);
  });

  it.each([
    ['OOMKilled', 137, 'killed for want of memory (OOMKilled, exit code 137)'],
    ['Error', 134, 'ended by its own heap, for want of memory (exit code 134)'],
    ['Error', 3, undefined],
  ])('says how the pod of a Job died that could not say it itself: %s %s', async (reason, exitCode, died) => {
    const { cluster, patch, until } = bench();
    const { metadata, ...rest } = jobManifest(`k8s-upgrade-dies-${exitCode}`);
    await cluster.createJob({ ...rest, metadata }, signal);
    const labels = `batch.kubernetes.io/job-name=${metadata.name}`;
    const pod = await until(async () => (await cluster.pods({ namespace: OWN, labels }, signal))[0]);
    const terminated = { exitCode, reason, startedAt: '2026-11-21T23:00:00Z', finishedAt: '2026-11-21T23:00:01Z' };
    const containerStatuses = [
      { name: 'main', image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated } },
    ];
    await patch(`/api/v1/namespaces/${OWN}/pods/${pod.name}/status`, {
      status: { phase: 'Failed', containerStatuses },
    });
    const failed = await until(async () =>
      (await cluster.jobs('app=k8s-upgrade-chain', signal)).find(
        (job) => job.name === metadata.name && job.status === 'failed',
      ),
    );
    expect(failed.died).toBe(died);
    await cluster.deleteJob(metadata.name, signal);
  });

  it('takes an empty annotation for no node, as the template writes it for preflight', async () => {
    const { cluster } = bench();
    const { metadata, ...rest } = jobManifest('k8s-upgrade-preflight-1-36-4');
    const annotations = { [`${PREFIX}/node`]: '' };
    await cluster.createJob({ ...rest, metadata: { ...metadata, annotations } }, signal);
    expect(await cluster.job(metadata.name, signal)).toMatchObject({ node: null });
    await cluster.deleteJob(metadata.name, signal);
  });

  it('tells an operator which key of the Job template is misspelt, and creates nothing', async () => {
    const { cluster } = bench();
    const manifest = jobManifest('misspelt');
    await expect(
      cluster.createJob({ ...manifest, spec: { ...manifest.spec, backofLimit: 0 } }, signal),
    ).rejects.toThrow(/creating Job k8s-upgrade\/misspelt: .*unknown field "spec\.backofLimit"/);
    expect(await cluster.job('misspelt', signal)).toBeUndefined();
  });

  it('creates a Job from a CronJob as kubectl does', async () => {
    const { cluster, create, read } = bench();
    const path = `/apis/batch/v1/namespaces/${WORLD}/cronjobs`;
    const template = {
      metadata: { labels: { from: 'template' }, annotations: { note: 'kept' } },
      spec: { ...jobManifest('x').spec, ttlSecondsAfterFinished: 77 },
    };
    await create(path, {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'backup-etcd' },
      spec: { schedule: '0 1 * * *', suspend: true, jobTemplate: template },
    });
    expect(await cluster.cronJob(WORLD, 'backup-etcd', signal)).toMatchObject({
      suspended: true,
      image: 'registry/nightlift:1',
    });
    expect(await cluster.cronJob(WORLD, 'absent', signal)).toBeUndefined();
    expect(await cluster.createJobFromCronJob(WORLD, 'backup-etcd', 'snapshot-1', 'run-1', signal)).toBe('created');
    expect(await cluster.createJobFromCronJob(WORLD, 'backup-etcd', 'snapshot-1', 'run-1', signal)).toBe('exists');
    expect(await read(`/apis/batch/v1/namespaces/${WORLD}/jobs/snapshot-1`)).toMatchObject({
      metadata: {
        labels: { from: 'template' },
        annotations: { note: 'kept', 'cronjob.kubernetes.io/instantiate': 'manual', [`${PREFIX}/run`]: 'run-1' },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'backup-etcd', controller: true }],
      },
      spec: { ttlSecondsAfterFinished: 77 },
    });
    const cronJob = await cluster.cronJob(WORLD, 'backup-etcd', signal);
    expect(await cluster.jobOrigin(WORLD, 'snapshot-1', signal)).toMatchObject({
      cronJob: cronJob?.uid,
      run: 'run-1',
      program: cronJob?.program,
    });
    expect(await cluster.jobOrigin(WORLD, 'absent', signal)).toBeUndefined();
    await cluster.deleteJob('snapshot-1', signal, WORLD);
    await expect(cluster.createJobFromCronJob(WORLD, 'absent', 'x', 'run-1', signal)).rejects.toMatchObject({
      status: 404,
    });
    await expect(cluster.jobLog(WORLD, 'absent', 10, signal)).rejects.toThrow(/the Job has no pod/);
  });
}

function jobManifest(name: string) {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: { app: 'k8s-upgrade-chain', phase: 'worker', 'target-version': '1-36-4' },
      annotations: { [`${PREFIX}/node`]: 'worker-1' },
    },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          nodeSelector: { nowhere: 'true' },
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['cp-1'] }] }],
              },
            },
          },
          containers: [{ name: 'nightlift', image: 'registry/nightlift:1' }],
        },
      },
    },
  } as const;
}
