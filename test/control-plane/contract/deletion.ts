import { expect, test } from 'vitest';
import { eventually, jobBody, podSpec, type Subject } from './subject.ts';

export function deletionContract(subject: () => Subject): void {
  async function startedJob(name: string): Promise<{ namespace: string; path: string; pod: string; uid: string }> {
    const namespace = await subject().namespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const created = await subject().raw('POST', path, jobBody(name));
    const pod = await eventually(async () => {
      const { items } = await subject().core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` });
      expect(items).toHaveLength(1);
      return items[0]?.metadata?.name ?? '';
    });
    return { namespace, path: `${path}/${name}`, pod, uid: created.body.metadata.uid };
  }

  async function isGone(path: string): Promise<void> {
    await eventually(async () => expect((await subject().raw('GET', path)).status).toBe(404));
  }

  test('deleting answers with a Status that names what is gone', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { body } = await subject().raw('POST', path, { metadata: { name: 'a' } });
    const answer = await subject().raw('DELETE', `${path}/a`);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Success',
        details: { name: 'a', kind: 'configmaps', uid: body.metadata.uid },
      },
    ]);
    expect((await subject().raw('DELETE', `${path}/a`)).status).toBe(404);
  });

  test('a precondition on another uid is 409 and deletes nothing', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { body } = await subject().raw('POST', path, { metadata: { name: 'a' } });
    const answer = await subject().raw('DELETE', `${path}/a`, { preconditions: { uid: 'other' } });
    expect(answer.body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the UID in record (${body.metadata.uid}). The object might have been deleted and then recreated`,
    });
    expect((await subject().raw('DELETE', `${path}/a`, { preconditions: { uid: body.metadata.uid } })).status).toBe(
      200,
    );
  });

  test('a finalizer holds what is deleted, and no new one can be added', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await subject().raw('POST', path, { metadata: { name: 'a', finalizers: ['example.com/hold'] } });
    const answer = await subject().raw('DELETE', `${path}/a`);
    expect([answer.status, answer.body.kind]).toEqual([200, 'ConfigMap']);
    expect(answer.body.metadata.deletionTimestamp).toEqual(expect.any(String));
    const patch = (finalizers: string[] | null): ReturnType<Subject['raw']> =>
      subject().raw(
        'PATCH',
        `${path}/a`,
        { metadata: { finalizers } },
        { contentType: 'application/merge-patch+json' },
      );
    expect((await patch(['example.com/hold', 'example.com/more'])).status).toBe(422);
    expect((await patch(null)).status).toBe(200);
    await isGone(`${path}/a`);
  });

  test('deleting a Job without a policy leaves its pods and warns about it', async () => {
    const { namespace, path, pod } = await startedJob('orphaning');
    const answer = await subject().raw('DELETE', path);
    expect(String(answer.headers['warning'])).toContain('child pods are preserved by default when jobs are deleted');
    await isGone(path);
    const left = await eventually(async () => {
      const found = await subject().core.readNamespacedPod({ namespace, name: pod });
      expect(found.metadata?.ownerReferences ?? []).toEqual([]);
      expect(found.metadata?.finalizers ?? []).toEqual([]);
      return found;
    });
    expect(left.metadata?.deletionTimestamp).toBeUndefined();
  });

  test('a body, even an empty one, makes the server ignore the policy of the query', async () => {
    const { namespace, path, pod } = await startedJob('ignoring');
    await subject().raw('DELETE', `${path}?propagationPolicy=Background`, {});
    await isGone(path);
    const left = await subject().core.readNamespacedPod({ namespace, name: pod });
    expect(left.metadata?.deletionTimestamp).toBeUndefined();
  });

  test.each(['Background', 'Foreground'])(
    'deleting a Job with %s takes its pods with it',
    async (propagationPolicy) => {
      const { namespace, path, pod } = await startedJob(propagationPolicy.toLowerCase());
      const answer = await subject().raw('DELETE', path, { propagationPolicy });
      expect(answer.status).toBe(200);
      if (propagationPolicy === 'Foreground') expect(answer.body.metadata.finalizers).toContain('foregroundDeletion');
      await isGone(`/api/v1/namespaces/${namespace}/pods/${pod}`);
      await isGone(path);
    },
  );

  test('a name can be used again once its Job is gone, with another uid', async () => {
    const { namespace, path, uid } = await startedJob('again');
    await subject().raw('DELETE', path, { propagationPolicy: 'Background' });
    await isGone(path);
    const { body } = await subject().raw('POST', `/apis/batch/v1/namespaces/${namespace}/jobs`, jobBody('again'));
    expect(body.metadata.uid).not.toBe(uid);
  });

  test('a pod on a node gets its grace period, one without a node goes at once', async () => {
    const namespace = await subject().namespace();
    const nodeName = await subject().node();
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await subject().raw('POST', path, {
      metadata: { name: 'bound' },
      spec: podSpec({ nodeName, terminationGracePeriodSeconds: 7 }),
    });
    await subject().run(namespace, 'bound');
    const first = await subject().raw('DELETE', `${path}/bound`);
    expect([first.status, first.body.kind, first.body.metadata.deletionGracePeriodSeconds]).toEqual([200, 'Pod', 7]);
    expect((await subject().raw('GET', `${path}/bound`)).status).toBe(200);
    const force = await subject().raw('DELETE', `${path}/bound`, { gracePeriodSeconds: 0 });
    expect(force.status).toBe(200);
    expect((await subject().raw('GET', `${path}/bound`)).status).toBe(404);

    await subject().raw('POST', path, {
      metadata: { name: 'unbound' },
      spec: podSpec({ nodeSelector: { no: 'node' } }),
    });
    await subject().raw('DELETE', `${path}/unbound`);
    expect((await subject().raw('GET', `${path}/unbound`)).status).toBe(404);
  });

  test('a collection is deleted by selector', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    for (const [name, app] of [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'y'],
    ]) {
      await subject().raw('POST', path, { metadata: { name, labels: { app } } });
    }
    const answer = await subject().raw('DELETE', `${path}?labelSelector=app%3Dx`);
    expect([answer.status, answer.body.kind]).toEqual([200, 'ConfigMapList']);
    const left = (await subject().raw('GET', path)).body.items.map(
      (item: { metadata: { name: string } }) => item.metadata.name,
    );
    expect(left.filter((name: string) => name.length === 1)).toEqual(['c']);
  });

  test('a namespace takes what is in it, and refuses new content meanwhile', async () => {
    const namespace = await subject().namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await subject().raw('POST', path, { metadata: { name: 'a', finalizers: ['example.com/hold'] } });
    const answer = await subject().raw('DELETE', `/api/v1/namespaces/${namespace}`);
    expect([answer.status, answer.body.status.phase]).toEqual([200, 'Terminating']);
    const refused = await subject().raw('POST', path, { metadata: { name: 'b' } });
    expect([refused.status, refused.body.reason, refused.body.details.causes[0].reason]).toEqual([
      403,
      'Forbidden',
      'NamespaceTerminating',
    ]);
    await subject().raw(
      'PATCH',
      `${path}/a`,
      { metadata: { finalizers: null } },
      { contentType: 'application/merge-patch+json' },
    );
    await eventually(
      async () => expect((await subject().raw('GET', `/api/v1/namespaces/${namespace}`)).status).toBe(404),
      20_000,
    );
  });
}
