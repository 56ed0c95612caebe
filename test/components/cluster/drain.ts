import { expect, it } from 'vitest';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { type Bench, signal, WORLD } from './bench.ts';

export function describeDrain(bench: () => Bench): void {
  it('selects pods by node, namespace and label, and says what a drain wants to know', async () => {
    const { cluster, pod } = bench();
    await pod('plain', { labels: { role: 'x' }, spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    await pod('other', { labels: { role: 'x' }, spec: { nodeName: 'cp-1' }, running: false });
    const names = async (where: Parameters<Cluster['pods']>[0]): Promise<string[]> =>
      (await cluster.pods(where, signal)).map(({ name }) => name);
    expect(await names({ namespace: WORLD, labels: 'role=x' })).toEqual(['other', 'plain']);
    expect(await names({ namespace: WORLD, labels: 'role=x', node: 'worker-1' })).toEqual(['plain']);
    expect(await names({ node: 'cp-1' })).toContain('kube-apiserver-cp-1');
    expect(
      (await cluster.pods({ namespace: WORLD, labels: 'role=x' }, signal)).map(
        ({ phase, ready, usesEmptyDir, owner, mirror, images, terminationGraceSeconds }) => ({
          phase,
          ready,
          usesEmptyDir,
          owner,
          mirror,
          images,
          terminationGraceSeconds,
        }),
      ),
    ).toEqual([
      {
        phase: 'Pending',
        ready: false,
        usesEmptyDir: false,
        owner: null,
        mirror: false,
        images: ['registry/app:1'],
        terminationGraceSeconds: 0,
      },
      {
        phase: 'Running',
        ready: true,
        usesEmptyDir: true,
        owner: null,
        mirror: false,
        images: ['registry/app:1'],
        terminationGraceSeconds: 0,
      },
    ]);
  });

  it('D07 evicts a pod, and tells a budget from two budgets, a gone pod and another pod of the same name', async () => {
    const { cluster, create, until, pod } = bench();
    const budget = (name: string): Promise<unknown> =>
      create(`/apis/policy/v1/namespaces/${WORLD}/poddisruptionbudgets`, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name },
        spec: { minAvailable: 1, selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['kept'] }] } },
      });
    const free = await pod('free');
    expect(await cluster.evict({ ...free, uid: 'another' }, signal)).toEqual({ kind: 'gone' });
    expect(await cluster.evict(free, signal)).toEqual({ kind: 'accepted' });
    expect(await cluster.evict({ ...free, name: 'never-was' }, signal)).toEqual({ kind: 'gone' });

    const kept = await pod('kept', { labels: { app: 'kept' } });
    await budget('one');
    await until(async () =>
      (await cluster.budgets(signal)).some(({ name, currentHealthy }) => name === 'one' && currentHealthy === 1)
        ? true
        : undefined,
    );
    expect((await cluster.budgets(signal)).find(({ name }) => name === 'one')).toMatchObject({
      namespace: WORLD,
      name: 'one',
      disruptionsAllowed: 0,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
    });
    const blocked = await cluster.evict(kept, signal);
    expect(blocked).toMatchObject({
      kind: 'blocked',
      message: expect.stringContaining('disruption budget') as string,
    });
    await budget('two');
    expect(await cluster.evict(kept, signal)).toMatchObject({
      kind: 'impossible',
      message: expect.stringContaining('more than one') as string,
    });
  });
}
