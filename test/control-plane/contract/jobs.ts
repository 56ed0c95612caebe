import type { V1Pod } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { eventually, jobBody, type Loose, podSpec, type Subject } from './subject.ts';

/** Longer than the first backoff of a Job, which is ten seconds. */
const BACKOFF_MS = 25_000;

export function jobContract(subject: () => Subject): void {
  async function create(
    more: object = {},
    template: object = {},
  ): Promise<{ namespace: string; path: string; uid: string }> {
    const namespace = await subject().namespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const answer = await subject().raw('POST', path, jobBody('job', more, template));
    expect(answer.status).toBe(201);
    return { namespace, path: `${path}/job`, uid: answer.body.metadata.uid };
  }

  async function pods(namespace: string): Promise<V1Pod[]> {
    return (await subject().core.listNamespacedPod({ namespace, labelSelector: 'job-name=job' })).items;
  }

  async function onlyPod(namespace: string, ms?: number): Promise<string> {
    return await eventually(async () => {
      const active = (await pods(namespace)).filter(
        ({ status }) => status?.phase === 'Pending' || status?.phase === 'Running',
      );
      expect(active).toHaveLength(1);
      return active[0]?.metadata?.name ?? '';
    }, ms);
  }

  async function statusWith(path: string, expected: object, ms?: number): Promise<Loose> {
    return await eventually(async () => {
      const { body } = await subject().raw('GET', path);
      expect(body.status).toMatchObject(expected);
      return body.status;
    }, ms);
  }

  function conditionsOf(status: Loose): [string, string, string][] {
    return status.conditions.map((each: Loose) => [each.type, each.status, `${each.reason}: ${each.message}`]);
  }

  test('a Job makes a pod with its labels, owner and finalizer, and counts it', async () => {
    const { namespace, path, uid } = await create(
      {},
      { metadata: { labels: { app: 'chain' }, annotations: { note: 'x' } } },
    );
    await onlyPod(namespace);
    const [pod] = await pods(namespace);
    expect(pod?.metadata?.name).toMatch(/^job-[a-z0-9]{5}$/);
    expect(pod?.metadata?.labels).toEqual({
      app: 'chain',
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': 'job',
      'controller-uid': uid,
      'job-name': 'job',
    });
    expect(pod?.metadata?.annotations).toMatchObject({ note: 'x' });
    expect(pod?.metadata?.finalizers).toEqual(['batch.kubernetes.io/job-tracking']);
    expect(pod?.metadata?.ownerReferences).toEqual([
      { apiVersion: 'batch/v1', kind: 'Job', name: 'job', uid, controller: true, blockOwnerDeletion: true },
    ]);
    const status = await statusWith(path, { active: 1, ready: 0 });
    expect(status.startTime).toEqual(expect.any(String));
  });

  test('a pod that succeeds completes its Job', async () => {
    const { namespace, path } = await create();
    await subject().finish(namespace, await onlyPod(namespace), 0);
    const status = await statusWith(path, { succeeded: 1, completionTime: expect.any(String) });
    expect(status.active ?? 0).toBe(0);
    expect(conditionsOf(status)).toEqual([
      ['SuccessCriteriaMet', 'True', 'CompletionsReached: Reached expected number of succeeded pods'],
      ['Complete', 'True', 'CompletionsReached: Reached expected number of succeeded pods'],
    ]);
    await eventually(async () => expect((await pods(namespace))[0]?.metadata?.finalizers ?? []).toEqual([]));
  });

  test('a pod that fails beyond the limit fails its Job', async () => {
    const { namespace, path } = await create({ backoffLimit: 0 });
    await subject().finish(namespace, await onlyPod(namespace), 1);
    const status = await statusWith(path, {
      failed: 1,
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Failed' })]),
    });
    expect(conditionsOf(status)).toEqual([
      ['FailureTarget', 'True', 'BackoffLimitExceeded: Job has reached the specified backoff limit'],
      ['Failed', 'True', 'BackoffLimitExceeded: Job has reached the specified backoff limit'],
    ]);
    expect(status.completionTime).toBeUndefined();
  });

  test(
    'a pod that fails within the limit is followed by another one',
    async () => {
      const { namespace, path } = await create({ backoffLimit: 2 });
      await subject().finish(namespace, await onlyPod(namespace), 1);
      await statusWith(path, { failed: 1 });
      await onlyPod(namespace, BACKOFF_MS);
      const status = await statusWith(path, { failed: 1, active: 1 });
      expect(status.conditions ?? []).toEqual([]);
    },
    BACKOFF_MS + 10_000,
  );

  test('an exit code that the failure policy names fails the Job at once', async () => {
    const rules = [{ action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [64] } }];
    const { namespace, path } = await create({ backoffLimit: 5, podFailurePolicy: { rules } });
    const pod = await onlyPod(namespace);
    await subject().finish(namespace, pod, 64);
    const status = await statusWith(path, {
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Failed' })]),
    });
    const message = `PodFailurePolicy: Container main for pod ${namespace}/${pod} failed with exit code 64 matching FailJob rule at index 0`;
    expect(conditionsOf(status)).toEqual([
      ['FailureTarget', 'True', message],
      ['Failed', 'True', message],
    ]);
  });

  test(
    'D24 an evicted pod does not count when the failure policy ignores disruptions, and another one follows',
    async () => {
      const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
      const nodeName = await subject().node();
      const spec = podSpec({ nodeName });
      const { namespace, path } = await create({ backoffLimit: 0, podFailurePolicy: { rules } }, { spec });
      const pod = await onlyPod(namespace);
      await subject().run(namespace, pod);
      await subject().raw('POST', `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`, { metadata: { name: pod } });
      await statusWith(path, { terminating: 1 });
      await subject().finish(namespace, pod, 143);
      await subject().remove(namespace, pod);
      const next = await onlyPod(namespace, BACKOFF_MS);
      expect(next).not.toBe(pod);
      const { body } = await subject().raw('GET', path);
      expect([body.status.failed ?? 0, body.spec.podReplacementPolicy]).toEqual([0, 'Failed']);
    },
    BACKOFF_MS + 10_000,
  );

  test('a Job beyond its deadline is failed and its pods are deleted', async () => {
    const { namespace, path } = await create({ activeDeadlineSeconds: 1 });
    await onlyPod(namespace);
    const status = await statusWith(path, {
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Failed' })]),
    });
    expect(conditionsOf(status)).toEqual([
      ['FailureTarget', 'True', 'DeadlineExceeded: Job was active longer than specified deadline'],
      ['Failed', 'True', 'DeadlineExceeded: Job was active longer than specified deadline'],
    ]);
    await eventually(async () => expect(await pods(namespace)).toEqual([]));
  });

  test('a finished Job goes with its pods when its time to live is over', async () => {
    const { namespace, path } = await create({ ttlSecondsAfterFinished: 1 });
    await subject().finish(namespace, await onlyPod(namespace), 0);
    await eventually(async () => expect((await subject().raw('GET', path)).status).toBe(404), 20_000);
    await eventually(async () => expect(await pods(namespace)).toEqual([]));
  }, 40_000);

  test('a suspended Job has no pods until it is resumed', async () => {
    const { namespace, path } = await create({ suspend: true });
    const suspended = await statusWith(path, {
      conditions: [expect.objectContaining({ type: 'Suspended', status: 'True' })],
    });
    expect(conditionsOf(suspended)).toEqual([['Suspended', 'True', 'JobSuspended: Job suspended']]);
    expect(await pods(namespace)).toEqual([]);
    const patch = (suspend: boolean): Promise<unknown> =>
      subject().raw('PATCH', path, { spec: { suspend } }, { contentType: 'application/merge-patch+json' });
    await patch(false);
    await onlyPod(namespace);
    const resumed = await statusWith(path, { active: 1 });
    expect(conditionsOf(resumed)).toEqual([['Suspended', 'False', 'JobResumed: Job resumed']]);
    await patch(true);
    await eventually(async () => expect(await pods(namespace)).toEqual([]));
  });

  test('several completions run side by side', async () => {
    const { namespace, path } = await create({ completions: 3, parallelism: 2 });
    await statusWith(path, { active: 2 });
    for (let round = 0; round < 3; round += 1) {
      const pod = await eventually(async () => {
        const active = (await pods(namespace)).filter(({ status }) => status?.phase === 'Pending');
        expect(active.length).toBeGreaterThan(0);
        return active[0]?.metadata?.name ?? '';
      });
      await subject().finish(namespace, pod, 0);
      await statusWith(path, { succeeded: round + 1 });
    }
    await statusWith(path, { succeeded: 3, completionTime: expect.any(String) });
  });

  test('a Job that a person makes from a CronJob does not count as active, but its success counts, and it goes with the CronJob', async () => {
    const namespace = await subject().namespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/cronjobs`;
    const spec = { schedule: '0 0 1 1 *', timeZone: 'Etc/UTC', jobTemplate: { spec: jobBody('x').spec } };
    const cron = await subject().raw('POST', path, { metadata: { name: 'nightly' }, spec });
    expect(cron.body.spec).toMatchObject({
      suspend: false,
      concurrencyPolicy: 'Allow',
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    const owner = {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      name: 'nightly',
      uid: cron.body.metadata.uid,
      controller: true,
    };
    const job = jobBody('job');
    await subject().raw('POST', `/apis/batch/v1/namespaces/${namespace}/jobs`, {
      ...job,
      metadata: { name: 'job', ownerReferences: [owner] },
    });
    const cronStatus = async (): Promise<Loose> => (await subject().raw('GET', `${path}/nightly`)).body.status;
    await statusWith(`/apis/batch/v1/namespaces/${namespace}/jobs/job`, { active: 1 });
    expect((await cronStatus()).active).toBeUndefined();
    await subject().finish(namespace, await onlyPod(namespace), 0);
    await statusWith(`/apis/batch/v1/namespaces/${namespace}/jobs/job`, { succeeded: 1 });
    const done = await eventually(async () => {
      const status = await cronStatus();
      expect(status.lastSuccessfulTime).toEqual(expect.any(String));
      return status;
    });
    expect(done.active).toBeUndefined();
    await subject().raw('DELETE', `${path}/nightly`);
    await eventually(async () => expect(await pods(namespace)).toEqual([]), 20_000);
  }, 40_000);
}
