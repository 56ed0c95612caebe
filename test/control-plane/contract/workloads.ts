import type { V1Pod } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { eventually, podSpec, type Subject } from './subject.ts';

export function workloadContract(subject: () => Subject): void {
  const labels = { app: 'web' };

  async function create(plural: string, spec: object): Promise<{ namespace: string; path: string }> {
    const namespace = await subject().namespace();
    const path = `/apis/apps/v1/namespaces/${namespace}/${plural}`;
    const { restartPolicy: _, ...pod } = podSpec();
    const template = { metadata: { labels }, spec: pod };
    const answer = await subject().raw('POST', path, {
      metadata: { name: 'web' },
      spec: { selector: { matchLabels: labels }, template, ...spec },
    });
    expect(answer.status).toBe(201);
    return { namespace, path: `${path}/web` };
  }

  async function livePods(namespace: string, count: number): Promise<V1Pod[]> {
    return await eventually(async () => {
      const { items } = await subject().core.listNamespacedPod({ namespace });
      const live = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
      expect(live).toHaveLength(count);
      return live;
    });
  }

  async function settled(path: string, status: object): Promise<unknown> {
    return await eventually(async () => {
      const { body } = await subject().raw('GET', path);
      expect(body.status).toMatchObject(status);
      return body.status;
    });
  }

  test('a Deployment owns a ReplicaSet that owns the pods, and counts those that are ready', async () => {
    const { namespace, path } = await create('deployments', { replicas: 2 });
    const pods = await livePods(namespace, 2);
    const { items } = await subject().apps.listNamespacedReplicaSet({ namespace });
    expect(items).toHaveLength(1);
    expect(items[0]?.metadata?.ownerReferences?.[0]).toMatchObject({
      kind: 'Deployment',
      name: 'web',
      controller: true,
    });
    for (const pod of pods) {
      expect(pod.metadata?.ownerReferences?.[0]).toMatchObject({
        kind: 'ReplicaSet',
        name: items[0]?.metadata?.name,
        controller: true,
      });
      expect(pod.metadata?.labels).toMatchObject({ app: 'web', 'pod-template-hash': expect.any(String) });
      await subject().run(namespace, pod.metadata?.name ?? '');
    }
    await settled(path, {
      replicas: 2,
      updatedReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      observedGeneration: 1,
    });
    const { body } = await subject().raw('GET', path);
    const available = { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' };
    expect(body.status.conditions).toContainEqual(expect.objectContaining(available));
  });

  test('an evicted pod of a Deployment is replaced at once, before it has gone', async () => {
    const { namespace } = await create('deployments', { replicas: 1 });
    const [first] = await livePods(namespace, 1);
    const name = first?.metadata?.name ?? '';
    await subject().raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, { metadata: { name } });
    await eventually(async () => {
      const [next] = await livePods(namespace, 1);
      expect(next?.metadata?.name).not.toBe(name);
    });
  });

  test('scaling to zero removes the pods, and back makes new ones', async () => {
    const { namespace, path } = await create('deployments', { replicas: 1 });
    await livePods(namespace, 1);
    const scale = (replicas: number): Promise<unknown> =>
      subject().raw('PATCH', `${path}/scale`, { spec: { replicas } }, { contentType: 'application/merge-patch+json' });
    await scale(0);
    await livePods(namespace, 0);
    await scale(2);
    expect(await livePods(namespace, 2)).toHaveLength(2);
  });

  test('a StatefulSet has pods with numbers, one after the other', async () => {
    const { namespace, path } = await create('statefulsets', { replicas: 2, serviceName: 'web' });
    const [first] = await livePods(namespace, 1);
    expect(first?.metadata?.name).toBe('web-0');
    expect(first?.metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'StatefulSet', controller: true });
    await subject().run(namespace, 'web-0');
    const both = await livePods(namespace, 2);
    expect(both.map((pod) => pod.metadata?.name)).toEqual(['web-0', 'web-1']);
    await subject().run(namespace, 'web-1');
    await settled(path, { replicas: 2, readyReplicas: 2 });
  });

  test('a DaemonSet has one pod on each node that fits, cordoned or not', async () => {
    const pool = { pool: subject().name('daemons') };
    const open = await subject().node({ labels: pool });
    const cordoned = await subject().node({ labels: pool, unschedulable: true });
    await subject().node({ labels: pool, taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] });
    const { restartPolicy: _, ...pod } = podSpec();
    const { namespace, path } = await create('daemonsets', {
      template: { metadata: { labels }, spec: { ...pod, nodeSelector: pool } },
    });
    const pods = await livePods(namespace, 2);
    await eventually(async () => {
      const { items } = await subject().core.listNamespacedPod({ namespace });
      expect(new Set(items.map(({ spec }) => spec?.nodeName))).toEqual(new Set([open, cordoned]));
    });
    expect(pods[0]?.metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'DaemonSet', controller: true });
    await settled(path, { desiredNumberScheduled: 2, currentNumberScheduled: 2 });
    for (const each of pods) await subject().run(namespace, each.metadata?.name ?? '');
    await settled(path, { numberReady: 2, numberAvailable: 2 });
  });

  test.each([
    [
      'minAvailable 1 of 3',
      { minAvailable: 1 },
      { desiredHealthy: 1, disruptionsAllowed: 2, expectedPods: 3, currentHealthy: 3 },
    ],
    [
      'minAvailable 50% of 3, rounded up',
      { minAvailable: '50%' },
      { desiredHealthy: 2, disruptionsAllowed: 1, expectedPods: 3 },
    ],
    ['maxUnavailable 1 of 3', { maxUnavailable: 1 }, { desiredHealthy: 2, disruptionsAllowed: 1, expectedPods: 3 }],
    [
      'maxUnavailable 50% of 3, rounded up',
      { maxUnavailable: '50%' },
      { desiredHealthy: 1, disruptionsAllowed: 2, expectedPods: 3 },
    ],
    ['maxUnavailable 0', { maxUnavailable: 0 }, { desiredHealthy: 3, disruptionsAllowed: 0, expectedPods: 3 }],
    [
      'an empty selector',
      { minAvailable: 3, selector: {} },
      { desiredHealthy: 3, disruptionsAllowed: 0, expectedPods: 3 },
    ],
  ])('a budget with %s counts', async (_title, spec, status) => {
    const { namespace } = await create('deployments', { replicas: 3 });
    for (const pod of await livePods(namespace, 3)) await subject().run(namespace, pod.metadata?.name ?? '');
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    await subject().raw('POST', path, {
      metadata: { name: 'budget' },
      spec: { selector: { matchLabels: labels }, ...spec },
    });
    expect(await settled(`${path}/budget`, { ...status, observedGeneration: 1 })).toMatchObject(status);
  });
}
