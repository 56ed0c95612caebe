import { expect, it } from 'vitest';
import { type Bench, signal, WORLD } from './bench.ts';

export function describeWorkloads(bench: () => Bench): void {
  it('I12 scales a workload to zero with a record, lists it, and puts it back', async () => {
    const { cluster, read, deployment } = bench();
    await deployment('operator', 3);
    const ref = { kind: 'Deployment', namespace: WORLD, name: 'operator' } as const;
    const path = `/apis/apps/v1/namespaces/${WORLD}/deployments/operator`;
    const replicas = async (): Promise<unknown> => (await read(path))['spec'];
    expect(await cluster.quiesce(ref, signal)).toEqual({ ...ref, replicasBefore: 3 });
    expect(await replicas()).toMatchObject({ replicas: 0 });
    expect(await cluster.quiesce(ref, signal)).toEqual({ ...ref, replicasBefore: 3 });
    expect(await cluster.quiescedWorkloads(signal)).toEqual([{ ...ref, replicasBefore: 3 }]);
    await cluster.restore({ ...ref, replicasBefore: 3 }, signal);
    await cluster.restore({ ...ref, replicasBefore: 9 }, signal);
    expect(await replicas()).toMatchObject({ replicas: 3 });
    expect(await cluster.quiescedWorkloads(signal)).toEqual([]);
    expect(await cluster.quiesce({ ...ref, name: 'absent' }, signal)).toBeUndefined();
    expect((await cluster.workloads(signal)).filter(({ namespace }) => namespace === WORLD)).toEqual([
      { ...ref, images: ['registry/operator:2', 'registry/init:1'] },
    ]);
  });

  it('I12 leaves alone what a person did to a quiesced workload meanwhile', async () => {
    const { cluster, patch, read, deployment } = bench();
    await deployment('touched', 2);
    const ref = { kind: 'Deployment', namespace: WORLD, name: 'touched' } as const;
    const path = `/apis/apps/v1/namespaces/${WORLD}/deployments/touched`;
    await cluster.quiesce(ref, signal);
    await patch(path, { spec: { replicas: 5 } });
    await cluster.restore({ ...ref, replicasBefore: 2 }, signal);
    expect(await read(path)).toMatchObject({ spec: { replicas: 5 } });
    await patch(path, { spec: { replicas: 0 } });
    expect(await cluster.quiesce(ref, signal)).toEqual({ ...ref, replicasBefore: 0 });
    expect(await cluster.quiescedWorkloads(signal)).toEqual([]);
  });
}
