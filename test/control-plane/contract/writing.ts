import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { recorded } from './recorded.ts';
import { jobBody, type Subject } from './subject.ts';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';

export function writingContract(subject: () => Subject): void {
  async function configMap(data: Record<string, string>): Promise<{ path: string; resourceVersion: string }> {
    const namespace = await subject().namespace();
    const created = await subject().raw('POST', `/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: 'a' },
      data,
    });
    return {
      path: `/api/v1/namespaces/${namespace}/configmaps/a`,
      resourceVersion: created.body.metadata.resourceVersion,
    };
  }

  test('creation fills in what the server knows', async () => {
    const namespace = await subject().namespace();
    const answer = await subject().raw(
      'POST',
      `/apis/batch/v1/namespaces/${namespace}/jobs`,
      jobBody('a', { suspend: true }),
    );
    expect(answer.status).toBe(201);
    const { metadata, spec, kind, apiVersion } = answer.body;
    expect({ kind, apiVersion }).toEqual({ kind: 'Job', apiVersion: 'batch/v1' });
    expect(metadata).toMatchObject({
      name: 'a',
      namespace,
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      resourceVersion: expect.stringMatching(/^\d+$/),
      generation: 1,
      creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    const labels = {
      'batch.kubernetes.io/controller-uid': metadata.uid,
      'batch.kubernetes.io/job-name': 'a',
      'controller-uid': metadata.uid,
      'job-name': 'a',
    };
    expect(spec).toMatchObject({
      parallelism: 1,
      completions: 1,
      backoffLimit: 0,
      completionMode: 'NonIndexed',
      suspend: true,
      podReplacementPolicy: 'TerminatingOrFailed',
      manualSelector: false,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } },
      template: {
        metadata: { labels },
        spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst' },
      },
    });
  });

  test('generateName makes a name of its own each time', async () => {
    const namespace = await subject().namespace();
    const create = (): ReturnType<Subject['raw']> =>
      subject().raw('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { generateName: 'made-' } });
    const names = [(await create()).body.metadata.name, (await create()).body.metadata.name];
    for (const name of names) expect(name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  test('a dry run answers as usual and stores nothing', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const answer = await subject().raw('POST', `${path}?dryRun=All`, { metadata: { name: 'a' } });
    expect([answer.status, answer.body.metadata.name]).toEqual([201, 'a']);
    expect((await subject().raw('GET', `${path}/a`)).status).toBe(404);
  });

  test('an update made from an old version is 409 Conflict', async () => {
    const { path, resourceVersion } = await configMap({ a: '1' });
    await subject().raw('PATCH', path, { data: { a: '2' } }, { contentType: MERGE });
    const answer = await subject().raw('PUT', path, { metadata: { name: 'a', resourceVersion }, data: { a: '3' } });
    expect(answer.body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      details: { name: 'a', kind: 'configmaps' },
    });
    const patched = await subject().raw(
      'PATCH',
      path,
      { metadata: { resourceVersion }, data: { a: '3' } },
      { contentType: MERGE },
    );
    expect(patched.status).toBe(409);
    const unconditional = await subject().raw('PUT', path, { metadata: { name: 'a' }, data: { a: '3' } });
    expect([unconditional.status, unconditional.body.data]).toEqual([200, { a: '3' }]);
  });

  test('an update of another name is 400', async () => {
    const { path } = await configMap({});
    const answer = await subject().raw('PUT', path, { metadata: { name: 'b' } });
    expect(answer.body).toMatchObject({
      code: 400,
      message: 'the name of the object (b) does not match the name on the URL (a)',
    });
  });

  test('a merge patch removes what it sets to null, and one that changes nothing writes nothing', async () => {
    const { path } = await configMap({ a: '1', b: '2' });
    const changed = await subject().raw('PATCH', path, { data: { a: null, c: '3' } }, { contentType: MERGE });
    expect(changed.body.data).toEqual({ b: '2', c: '3' });
    const same = await subject().raw('PATCH', path, { data: { c: '3' } }, { contentType: MERGE });
    expect(same.body.metadata.resourceVersion).toBe(changed.body.metadata.resourceVersion);
  });

  test('a JSON patch adds, replaces, removes, and a failed test is 422', async () => {
    const { path } = await configMap({ a: '1' });
    await subject().raw('PATCH', path, { metadata: { annotations: { 'b/c': '2', d: '3' } } }, { contentType: MERGE });
    const patch = (operations: unknown): ReturnType<Subject['raw']> =>
      subject().raw('PATCH', path, operations, { contentType: JSON_PATCH });
    const changed = await patch([
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'add', path: '/data/d', value: '4' },
      { op: 'remove', path: '/metadata/annotations/b~1c' },
      { op: 'replace', path: '/metadata/annotations/d', value: '4' },
    ]);
    expect([changed.body.data, changed.body.metadata.annotations]).toEqual([{ a: '9', d: '4' }, { d: '4' }]);
    const failed = await patch([{ op: 'test', path: '/data/a', value: '1' }]);
    expect([failed.status, failed.body.reason, failed.body.message]).toEqual([
      422,
      'Invalid',
      'the server rejected our request due to an error in our request',
    ]);
    const missing = await patch([{ op: 'remove', path: '/data/nope' }]);
    expect(missing.status).toBe(422);
    expect((await patch({ data: {} })).status).toBe(400);
  });

  test('a strategic merge patch merges lists by key, replaces taints whole and knows its directives', async () => {
    const namespace = await subject().namespace();
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/a`;
    const labels = { app: 'a' };
    const containers = [
      {
        name: 'main',
        image: 'x:1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
      { name: 'side', image: 'y:1' },
    ];
    await subject().raw('POST', path.slice(0, -2), {
      metadata: { name: 'a' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    });
    const change = {
      name: 'main',
      image: 'x:2',
      env: [
        { name: 'A', value: '9' },
        { name: 'C', value: '3' },
        { name: 'B', $patch: 'delete' },
      ],
    };
    const template = { spec: { containers: [change, { name: 'side', $patch: 'delete' }] } };
    const patched = await subject().raw('PATCH', path, { spec: { template } }, { contentType: STRATEGIC });
    const result = patched.body.spec.template.spec.containers;
    expect(result).toHaveLength(1);
    expect(result[0]).toMatchObject({ name: 'main', image: 'x:2' });
    expect(new Set(result[0].env)).toEqual(
      new Set([
        { name: 'A', value: '9' },
        { name: 'C', value: '3' },
      ]),
    );

    const node = await subject().node({ taints: [{ key: 'a', value: '1', effect: 'NoSchedule' }] });
    const taints = [{ key: 'b', value: '2', effect: 'NoSchedule' }];
    const tainted = await subject().raw(
      'PATCH',
      `/api/v1/nodes/${node}`,
      { spec: { taints } },
      { contentType: STRATEGIC },
    );
    expect(tainted.body.spec.taints).toEqual(taints);
    const finalizers = ['example.com/a'];
    await subject().raw('PATCH', path, { metadata: { finalizers } }, { contentType: STRATEGIC });
    const more = await subject().raw(
      'PATCH',
      path,
      { metadata: { finalizers: ['example.com/b'] } },
      { contentType: STRATEGIC },
    );
    expect(new Set(more.body.metadata.finalizers)).toEqual(new Set(['example.com/a', 'example.com/b']));
    await subject().raw('PATCH', path, { metadata: { finalizers: null } }, { contentType: MERGE });
  });

  test('conditions in a status patch are merged by type', async () => {
    const node = await subject().node();
    const condition = { type: 'Extra', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const answer = await subject().raw(
      'PATCH',
      `/api/v1/nodes/${node}/status`,
      { status: { conditions: [condition] } },
      { contentType: STRATEGIC },
    );
    const types = answer.body.status.conditions.map(({ type }: { type: string }) => type);
    expect(types).toEqual(expect.arrayContaining(['Ready', 'Extra']));
  });

  test('server-side apply creates, then merges, and wants a field manager', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps/a`;
    const apply = (data: Record<string, string>, query: string): ReturnType<Subject['raw']> =>
      subject().raw(
        'PATCH',
        `${path}${query}`,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data },
        { contentType: APPLY },
      );
    const without = await apply({ a: '1' }, '');
    expect(without.status).toBe(422);
    expect(without.body.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
    expect((await apply({ a: '1' }, '?fieldManager=one')).status).toBe(201);
    const second = await apply({ b: '2' }, '?fieldManager=two');
    expect([second.status, second.body.data]).toEqual([200, { a: '1', b: '2' }]);
    const again = await apply({ c: '3' }, '?fieldManager=one');
    expect(again.body.data).toEqual({ b: '2', c: '3' });
  });

  test('the status is written through its subresource only, and the rest not', async () => {
    const namespace = await subject().namespace();
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/a`;
    await subject().raw('POST', path.slice(0, -2), {
      metadata: { name: 'a' },
      spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } },
      status: { currentHealthy: 7 },
    });
    const direct = await subject().raw(
      'PATCH',
      path,
      { spec: { minAvailable: 2 }, status: { currentHealthy: 9 } },
      { contentType: MERGE },
    );
    expect(direct.body.status.currentHealthy).not.toBe(9);
    expect(direct.body.metadata.generation).toBe(2);
    const status = await subject().raw(
      'PATCH',
      `${path}/status`,
      { spec: { minAvailable: 3 } },
      { contentType: MERGE },
    );
    expect(status.body.spec.minAvailable).toBe(2);
  });

  test('the pod template of a Job cannot be changed', async () => {
    const namespace = await subject().namespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    await subject().raw('POST', path, jobBody('a'));
    const answer = await subject().raw(
      'PATCH',
      `${path}/a`,
      { spec: { template: { spec: { nodeName: 'x' } } } },
      { contentType: MERGE },
    );
    expect([answer.status, answer.body.reason]).toEqual([422, 'Invalid']);
    expect(answer.body.message).toMatch(
      /^Job\.batch "a" is invalid: spec\.template: Invalid value: .*: field is immutable$/s,
    );
    const allowed = await subject().raw(
      'PATCH',
      `${path}/a`,
      { spec: { ttlSecondsAfterFinished: 5 } },
      { contentType: MERGE },
    );
    expect(allowed.status).toBe(200);
  });

  test('the node of a pod cannot be changed', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await subject().raw('POST', path, {
      metadata: { name: 'a' },
      spec: { nodeName: 'x', containers: [{ name: 'main', image: 'x' }] },
    });
    const answer = await subject().raw('PATCH', `${path}/a`, { spec: { nodeName: 'y' } }, { contentType: MERGE });
    expect([answer.status, answer.body.reason]).toEqual([422, 'Invalid']);
  });

  test('a Lease wants six fractional digits and the version that it is updated from', async () => {
    const namespace = await subject().namespace();
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const short = await subject().raw('POST', path, {
      metadata: { name: 'a' },
      spec: { holderIdentity: 'a', renewTime: '2026-01-01T00:00:00.123Z' },
    });
    expect([short.status, short.body.reason]).toEqual([400, 'BadRequest']);
    const body = { metadata: { name: 'a' }, spec: { holderIdentity: 'a', renewTime: '2026-01-01T00:00:00.123000Z' } };
    expect((await subject().raw('POST', path, body)).status).toBe(201);
    const blind = await subject().raw('PUT', `${path}/a`, body);
    expect(blind.status).toBe(422);
    await recorded('a Lease updated without its version', blind.body.message);
  });

  test('a workload is scaled through its scale', async () => {
    const namespace = await subject().namespace();
    const labels = { app: 'a' };
    await subject().raw('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, {
      metadata: { name: 'a' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'x' }] } },
      },
    });
    const read = await subject().apps.readNamespacedDeploymentScale({ namespace, name: 'a' });
    expect([read.spec?.replicas, read.status?.selector]).toEqual([2, 'app=a']);
    const patched = await subject().apps.patchNamespacedDeploymentScale(
      { namespace, name: 'a', body: { spec: { replicas: 0 } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    expect(patched.spec?.replicas ?? 0).toBe(0);
    const deployment = await subject().apps.readNamespacedDeployment({ namespace, name: 'a' });
    expect(deployment.spec?.replicas).toBe(0);
  });

  test('the text of a Secret is stored encoded', async () => {
    const namespace = await subject().namespace();
    const created = await subject().core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: 'a' }, stringData: { key: 'value' } },
    });
    expect([created.data, created.type]).toEqual([{ key: 'dmFsdWU=' }, 'Opaque']);
  });
}
