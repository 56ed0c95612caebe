import { expect, test } from 'vitest';
import { eventually, type Loose, podSpec, type Subject } from './subject.ts';

export function placementContract(subject: () => Subject): void {
  /** Nodes of other tests must not be candidates: everything here asks for this label. */
  async function pool(): Promise<{ labels: Record<string, string>; nodeSelector: Record<string, string> }> {
    const labels = { pool: subject().name('pool') };
    return { labels, nodeSelector: labels };
  }

  async function place(spec: object): Promise<{ namespace: string; name: string }> {
    const namespace = await subject().namespace();
    const answer = await subject().raw('POST', `/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name: 'pod' },
      spec: podSpec(spec),
    });
    expect(answer.status).toBe(201);
    return { namespace, name: 'pod' };
  }

  async function nodeOf({ namespace, name }: { namespace: string; name: string }): Promise<string> {
    return await eventually(async () => {
      const pod = await subject().core.readNamespacedPod({ namespace, name });
      expect(pod.spec?.nodeName).toEqual(expect.any(String));
      return pod.spec?.nodeName ?? '';
    });
  }

  async function refusal({ namespace, name }: { namespace: string; name: string }): Promise<Loose> {
    return await eventually(async () => {
      const pod = await subject().core.readNamespacedPod({ namespace, name });
      const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
      expect(condition).toMatchObject({ status: 'False', reason: 'Unschedulable' });
      return condition;
    });
  }

  test('a pod goes to the node that its selector and its affinity name', async () => {
    const { labels, nodeSelector } = await pool();
    const one = await subject().node({ labels });
    const two = await subject().node({ labels: { ...labels, disk: 'ssd' } });
    expect(await nodeOf(await place({ nodeSelector: { ...nodeSelector, disk: 'ssd' } }))).toBe(two);
    const affinity = (nodeSelectorTerms: unknown[]): object => ({
      nodeSelector,
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    });
    const notIn = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: [two] }] }];
    expect(await nodeOf(await place(affinity(notIn)))).toBe(one);
    const byField = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [two] }] }];
    expect(await nodeOf(await place(affinity(byField)))).toBe(two);
  });

  test('I20 a pod whose nodes are tainted or cordoned is Pending and says why, and goes on when that ends', async () => {
    const { labels, nodeSelector } = await pool();
    await subject().core.deleteCollectionNode({});
    const tainted = await subject().node({ labels, taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] });
    const pod = await place({ nodeSelector });
    const condition = await refusal(pod);
    expect(condition.message).toContain('0/1 nodes are available: ');
    expect(condition.message).toContain('1 node(s) had untolerated taint(s)');
    await subject().raw(
      'PATCH',
      `/api/v1/nodes/${tainted}`,
      { spec: { taints: null, unschedulable: true } },
      { contentType: 'application/merge-patch+json' },
    );
    await eventually(async () => expect((await refusal(pod)).message).toContain('1 node(s) were unschedulable'));
    await subject().raw(
      'PATCH',
      `/api/v1/nodes/${tainted}`,
      { spec: { unschedulable: null } },
      { contentType: 'application/merge-patch+json' },
    );
    expect(await nodeOf(pod)).toBe(tainted);
  });

  test('the refusal names every reason with the number of nodes', async () => {
    const { labels, nodeSelector } = await pool();
    await subject().core.deleteCollectionNode({});
    await subject().node();
    await subject().node();
    await subject().node({ labels, unschedulable: true });
    await subject().node({ labels, taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] });
    const { message } = await refusal(await place({ nodeSelector }));
    expect(message).toBe(
      "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node " +
        'affinity/selector. no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.',
    );
  });

  test('tolerations open a tainted node, and a cordoned one too', async () => {
    const { labels, nodeSelector } = await pool();
    const node = await subject().node({
      labels,
      taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
    });
    const toleration = { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' };
    expect(await nodeOf(await place({ nodeSelector, tolerations: [toleration] }))).toBe(node);
    await subject().raw(
      'PATCH',
      `/api/v1/nodes/${node}`,
      { spec: { unschedulable: true } },
      { contentType: 'application/merge-patch+json' },
    );
    await refusal(await place({ nodeSelector, tolerations: [toleration] }));
    expect(await nodeOf(await place({ nodeSelector, tolerations: [{ operator: 'Exists' }] }))).toBe(node);
  });

  test('a cordon adds the unschedulable taint and an uncordon takes it away', async () => {
    const node = await subject().node();
    const patch = (unschedulable: boolean | null): Promise<unknown> =>
      subject().raw(
        'PATCH',
        `/api/v1/nodes/${node}`,
        { spec: { unschedulable } },
        { contentType: 'application/strategic-merge-patch+json' },
      );
    await patch(true);
    await eventually(async () => {
      const { spec } = await subject().core.readNode({ name: node });
      expect(spec?.taints).toEqual([
        expect.objectContaining({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }),
      ]);
    });
    await patch(null);
    await eventually(async () =>
      expect((await subject().core.readNode({ name: node })).spec?.taints ?? []).toEqual([]),
    );
  });

  test('a pod with a node of its own passes the scheduler by', async () => {
    const node = await subject().node({
      taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }],
      unschedulable: true,
    });
    const { namespace, name } = await place({ nodeName: node });
    expect((await subject().core.readNamespacedPod({ namespace, name })).spec?.nodeName).toBe(node);
  });
}
