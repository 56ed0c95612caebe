import { expect, test } from 'vitest';
import { eventually, podSpec, type Subject } from './subject.ts';

export function evictionContract(subject: () => Subject): void {
  interface Setting {
    readonly namespace: string;
    readonly evict: (name: string, body?: object, query?: string) => ReturnType<Subject['raw']>;
    readonly pod: (name: string, ready?: boolean | 'pending', metadata?: object) => Promise<void>;
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
      pod: async (name, ready = true, metadata = {}) => {
        await subject().raw('POST', pods, { metadata: { name, labels, ...metadata }, spec: podSpec({ nodeName }) });
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

  /** An owner as an operator's own kind is one: it has no scale subresource. */
  async function ownedByConfigMap(namespace: string): Promise<object> {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { uid } = (await subject().raw('POST', path, { metadata: { name: 'owner' } })).body.metadata;
    return { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, controller: true }] };
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

  test('a dry run takes nothing from the budget', async () => {
    const { pod, evict, budget } = await setting();
    await pod('a');
    await pod('b');
    await budget('one', { minAvailable: 1 }, { currentHealthy: 2, disruptionsAllowed: 1 });
    const dry = { deleteOptions: { dryRun: ['All'] } };
    expect([(await evict('a', dry)).status, (await evict('b', dry)).status]).toEqual([201, 201]);
    expect([(await evict('a')).status, (await evict('b', dry)).status]).toEqual([201, 429]);
  });

  test('a dry run says that two budgets are a permanent 500', async () => {
    const { pod, evict, budget } = await setting();
    await pod('a');
    await budget('one', { minAvailable: 0 }, { expectedPods: 1, currentHealthy: 1 });
    await budget('two', { minAvailable: 0 }, { expectedPods: 1, currentHealthy: 1 });
    const answer = await evict('a', { deleteOptions: { dryRun: ['All'] } });
    expect([answer.status, answer.body.message]).toEqual([
      500,
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    ]);
  });

  test.each([
    ['maxUnavailable', { maxUnavailable: 1 }],
    ['a percentage', { minAvailable: '50%' }],
  ])('a budget with %s over pods of an owner without a scale fails to sync, and lets none go', async (_title, spec) => {
    const { namespace, pod, evict, budget } = await setting();
    await pod('a', true, await ownedByConfigMap(namespace));
    const condition = {
      type: 'DisruptionAllowed',
      status: 'False',
      reason: 'SyncFailed',
      message: 'configmaps does not implement the scale subresource',
    };
    await budget('keep', spec, { disruptionsAllowed: 0, conditions: [expect.objectContaining(condition)] });
    const answer = await evict('a', { deleteOptions: { dryRun: ['All'] } });
    expect([answer.status, answer.body.details]).toEqual([
      429,
      {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget keep is still being processed by the server.',
          },
        ],
        retryAfterSeconds: 10,
      },
    ]);
  });

  test.each([
    ['maxUnavailable', { maxUnavailable: 1 }],
    ['a percentage', { minAvailable: '50%' }],
    ['a percentage of nothing', { minAvailable: '0%' }],
  ])('a budget with %s over pods without an owner expects none, and lets none go', async (_title, spec) => {
    const { pod, evict, budget } = await setting();
    await pod('a');
    await budget('keep', spec, { disruptionsAllowed: 0, expectedPods: 0, currentHealthy: 1, desiredHealthy: 0 });
    const answer = await evict('a', { deleteOptions: { dryRun: ['All'] } });
    expect([answer.status, answer.body.details]).toEqual([
      429,
      {
        causes: [
          { reason: 'DisruptionBudget', message: 'The disruption budget keep does not allow evicting pods currently' },
        ],
      },
    ]);
  });

  test('a budget that was counted once and then fails to sync says so to an eviction', async () => {
    const { namespace, pod, evict, budget } = await setting();
    await pod('a');
    await budget('keep', { maxUnavailable: 1 }, { expectedPods: 0, currentHealthy: 1 });
    await pod('b', true, await ownedByConfigMap(namespace));
    await eventually(async () =>
      expect((await evict('a', { deleteOptions: { dryRun: ['All'] } })).body.details).toEqual({
        causes: [
          {
            reason: 'DisruptionBudget',
            message:
              'The disruption budget keep does not allow evicting pods currently because it failed sync: configmaps does not implement the scale subresource',
          },
        ],
      }),
    );
  });

  test('a dry run needs the permission to evict, and no other', async () => {
    const { namespace, pod } = await setting();
    await pod('a');
    const dry = () =>
      subject().raw(
        'POST',
        `/api/v1/namespaces/${namespace}/pods/a/eviction`,
        { metadata: { name: 'a' }, deleteOptions: { dryRun: ['All'] } },
        { token: subject().server.readerToken },
      );
    expect((await dry()).status).toBe(403);
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    await subject().raw('POST', `${rbac}/roles`, {
      metadata: { name: 'evict' },
      rules: [{ apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] }],
    });
    await subject().raw('POST', `${rbac}/rolebindings`, {
      metadata: { name: 'evict' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'evict' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }],
    });
    await eventually(async () => expect((await dry()).status).toBe(201));
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
