import { expect, test } from 'vitest';
import { eventually, podSpec, type Subject } from './subject.ts';

export function evictionContract(subject: () => Subject): void {
  interface Setting {
    readonly namespace: string;
    readonly evict: (name: string, body?: object, query?: string) => ReturnType<Subject['raw']>;
    readonly pod: (name: string, ready?: boolean | 'pending') => Promise<void>;
    readonly budget: (name: string, spec: object, settled: object) => Promise<void>;
  }

  async function setting(labels: Record<string, string> = { app: 'a' }): Promise<Setting> {
    const namespace = await subject().namespace();
    const nodeName = await subject().node();
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    return {
      namespace,
      evict: (name, body = {}, query = '') =>
        subject().raw('POST', `${pods}/${name}/eviction${query}`, { metadata: { name }, ...body }),
      pod: async (name, ready = true) => {
        await subject().raw('POST', pods, { metadata: { name, labels }, spec: podSpec({ nodeName }) });
        if (ready !== 'pending') await subject().run(namespace, name, ready);
      },
      budget: async (name, spec, settled) => {
        const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
        await subject().raw('POST', path, { metadata: { name }, spec: { selector: { matchLabels: labels }, ...spec } });
        await eventually(async () =>
          expect((await subject().raw('GET', `${path}/${name}`)).body.status).toMatchObject(settled),
        );
      },
    };
  }

  test('without a budget a pod is deleted with its grace period and marked as a disruption', async () => {
    const { namespace, pod, evict } = await setting();
    await pod('a');
    const answer = await evict('a');
    expect([answer.status, answer.body]).toEqual([
      201,
      { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
    ]);
    const { body } = await subject().raw('GET', `/api/v1/namespaces/${namespace}/pods/a`);
    expect(body.metadata.deletionTimestamp).toEqual(expect.any(String));
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    };
    expect(body.status.conditions).toContainEqual(expect.objectContaining(condition));
  });

  test('D07 a budget that would be violated answers 429 with the cause DisruptionBudget', async () => {
    const { pod, evict, budget } = await setting();
    await pod('a');
    await budget(
      'keep',
      { minAvailable: 1 },
      { currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 1 },
    );
    const answer = await evict('a');
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(answer.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      reason: 'TooManyRequests',
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget keep needs 1 healthy pods and has 1 currently',
          },
        ],
      },
      code: 429,
    });
  });

  test('D07 a budget with matchExpressions counts as well', async () => {
    const { pod, evict, budget } = await setting({ tier: 'front' });
    await pod('a');
    const selector = { matchExpressions: [{ key: 'tier', operator: 'In', values: ['front', 'back'] }] };
    await budget('keep', { selector, minAvailable: 1 }, { disruptionsAllowed: 0, expectedPods: 1 });
    expect((await evict('a')).status).toBe(429);
  });

  test('each allowed eviction is counted down at once', async () => {
    const { pod, evict, budget } = await setting();
    await pod('a');
    await pod('b');
    await budget('one', { minAvailable: 1 }, { currentHealthy: 2, disruptionsAllowed: 1 });
    const answers = await Promise.all([evict('a'), evict('b')]);
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([201, 429]);
  });

  test('two budgets on a pod are a permanent 500', async () => {
    const { pod, evict, budget } = await setting();
    await pod('a');
    await budget('one', { minAvailable: 0 }, { expectedPods: 1, currentHealthy: 1 });
    await budget('two', { minAvailable: 0 }, { expectedPods: 1, currentHealthy: 1 });
    const answer = await evict('a');
    expect(answer.body).toMatchObject({
      code: 500,
      status: 'Failure',
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
    expect(answer.status).toBe(500);
  });

  test.each([
    ['Pending', 'pending' as const],
    ['finished', 'finished' as const],
  ])('a %s pod is deleted whatever the budget says', async (_title, state) => {
    const { namespace, pod, evict, budget } = await setting();
    await pod('a', state === 'pending' ? 'pending' : true);
    if (state === 'finished') await subject().finish(namespace, 'a', 0);
    await budget('keep', { minAvailable: 1 }, { disruptionsAllowed: 0 });
    expect((await evict('a')).status).toBe(201);
  });

  test('a pod that is not ready goes only when the budget is met without it, or with AlwaysAllow', async () => {
    const { pod, evict, budget } = await setting();
    await pod('sick', false);
    await budget('keep', { minAvailable: 1 }, { currentHealthy: 0, desiredHealthy: 1 });
    expect((await evict('sick')).status).toBe(429);
    await pod('well');
    await eventually(async () => expect((await evict('sick')).status).toBe(201));

    const other = await setting();
    await other.pod('sick', false);
    await other.budget('keep', { minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' }, { currentHealthy: 0 });
    expect((await other.evict('sick')).status).toBe(201);
  });

  test('a dry run answers by the budget and evicts nothing', async () => {
    const { namespace, pod, evict, budget } = await setting();
    await pod('a');
    expect((await evict('a', { deleteOptions: { dryRun: ['All'] } })).status).toBe(201);
    const { body } = await subject().raw('GET', `/api/v1/namespaces/${namespace}/pods/a`);
    expect(body.metadata.deletionTimestamp).toBeUndefined();
    await budget('keep', { minAvailable: 1 }, { disruptionsAllowed: 0, expectedPods: 1 });
    expect((await evict('a', { deleteOptions: { dryRun: ['All'] } })).status).toBe(429);
  });

  test('another uid is 409, another name 400, no pod 404', async () => {
    const { pod, evict } = await setting();
    await pod('a');
    expect((await evict('a', { deleteOptions: { preconditions: { uid: 'other' } } })).status).toBe(409);
    expect((await evict('a', { metadata: { name: 'b' } })).status).toBe(400);
    expect((await evict('nope')).status).toBe(404);
  });

  test('client-node evicts', async () => {
    const { namespace, pod } = await setting();
    await pod('a');
    const body = { metadata: { name: 'a', namespace }, deleteOptions: { gracePeriodSeconds: 3 } };
    await subject().core.createNamespacedPodEviction({ namespace, name: 'a', body });
    const found = await subject().core.readNamespacedPod({ namespace, name: 'a' });
    expect(found.metadata?.deletionGracePeriodSeconds).toBe(3);
  });
}
