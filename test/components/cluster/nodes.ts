import { expect, it } from 'vitest';
import { z } from 'zod';
import type { PodFact } from '../../../src/cluster/cluster.ts';
import { outlineOf } from '../../../src/cluster/node-object.ts';
import type { NodeFact } from '../../../src/facts/node-fact.ts';
import { type Bench, nodeInfo, PREFIX, signal } from './bench.ts';

const texts = z.record(z.string(), z.string()).default({});
const Marked = z.object({
  metadata: z.object({ labels: texts, annotations: texts }),
  spec: z.object({ taints: z.array(z.looseObject({ key: z.string() })).default([]) }),
});

/** One node, the control planes and the outlines are of the same nodes, and say the same of them as the list of all. */
async function expectOneView({ cluster }: Bench): Promise<void> {
  // The node controller takes its taints away between two looks.
  const settled = (node: NodeFact): NodeFact => ({ ...node, taints: [] });
  const nodes = (await cluster.nodes(signal)).map(settled);
  const outlines = nodes.map((node) => ({ ...outlineOf(node), ready: node.ready === 'yes' ? 'yes' : 'unknown' }));
  expect(await cluster.outlines(signal)).toEqual(outlines);
  const planes = (await cluster.controlPlanes(signal)).toSorted((a, b) => a.name.localeCompare(b.name));
  expect(planes.map(settled)).toEqual(nodes.filter(({ role }) => role === 'control-plane'));
  for (const node of nodes) {
    const { taints: _, ...found } = (await cluster.node(node.name, signal)) ?? node;
    expect({ ...found, taints: [] }).toEqual(node);
  }
  for (const { name } of await cluster.otherNodes(signal)) expect(await cluster.node(name, signal)).toBeUndefined();
  expect(await cluster.node('none', signal)).toBeUndefined();
}

export function describeNodes(bench: () => Bench): void {
  it('says its version and health', async () => {
    const { cluster } = bench();
    expect(await cluster.serverVersion(signal)).toMatch(/^1\.\d+\.\d+$/);
    expect(await cluster.health('/livez', signal)).toEqual({ ok: true, detail: 'ok' });
    expect(await cluster.health('/readyz', signal)).toEqual({ ok: true, detail: 'ok' });
  });

  it('I05 lists the nodes as they are, and the API server of a control plane by its image', async () => {
    const { cluster, patch, pod } = bench();
    const apiServer = (image: string): Promise<PodFact> =>
      pod('kube-apiserver-cp-1', {
        namespace: 'kube-system',
        labels: { component: 'kube-apiserver' },
        spec: { nodeName: 'cp-1', containers: [{ name: 'kube-apiserver', image }] },
      });
    await apiServer('registry.example:5000/kube-apiserver:v1.36.3');
    const [controlPlane, worker] = await cluster.nodes(signal);
    expect(controlPlane).toMatchObject({
      name: 'cp-1',
      role: 'control-plane',
      kubelet: '1.36.3',
      apiServer: '1.36.3',
      internalIp: '192.0.2.1',
      ready: 'yes',
      readySince: '2026-11-20T10:00:00.000Z',
      memoryPressure: true,
      diskPressure: false,
      schedulable: true,
      cordonedBy: null,
      architecture: 'amd64',
      containerRuntime: 'containerd://1.7.24',
    });
    expect(worker).toMatchObject({
      name: 'worker-1',
      role: 'worker',
      kubelet: '1.36.2',
      apiServer: null,
      internalIp: null,
      ready: 'unknown',
    });
    const path = '/api/v1/namespaces/kube-system/pods/kube-apiserver-cp-1';
    for (const image of ['registry/kube-apiserver@sha256:00', 'registry/kube-apiserver:latest']) {
      await patch(path, { spec: { containers: [{ name: 'kube-apiserver', image }] } }, 'strategic');
      expect((await cluster.nodes(signal))[0]?.apiServer).toBeNull();
      await expectOneView(bench());
    }
  });

  it('knows a control plane without its label by the static pod of its API server, and not by any other pod', async () => {
    const { cluster, node, pod, remove } = bench();
    await node('unlabelled', { nodeInfo: nodeInfo('v1.36.2') });
    const roleOf = async () => (await cluster.nodes(signal)).find(({ name }) => name === 'unlabelled')?.role;
    const common = { namespace: 'kube-system', labels: { component: 'kube-apiserver' } };
    const spec = {
      nodeName: 'unlabelled',
      containers: [{ name: 'kube-apiserver', image: 'r/kube-apiserver:v1.36.2' }],
    };
    await pod('posing', { ...common, spec });
    expect(await roleOf()).toBe('worker');
    const annotations = { 'kubernetes.io/config.mirror': '0123' };
    await pod('kube-apiserver-unlabelled', { ...common, annotations, spec });
    expect(await roleOf()).toBe('control-plane');
    await expectOneView(bench());
    for (const name of ['posing', 'kube-apiserver-unlabelled'])
      await remove(`/api/v1/namespaces/kube-system/pods/${name}`);
    await remove('/api/v1/nodes/unlabelled');
  });

  it.each([
    ['Windows', 'v1.36.2', 'windows', 'it runs Windows'],
    ['a virtual kubelet', 'v1.36.3-vk-azure-aci-1.6.2', 'linux', /another distribution/],
    ['k3s', 'v1.36.2+k3s1', 'linux', /^its kubelet v1\.36\.2\+k3s1 comes with another distribution$/],
  ])('leaves out, and names, what is not ours to upgrade: %s', async (_title, kubelet, operatingSystem, why) => {
    const { cluster, node, remove } = bench();
    await node('other', { nodeInfo: { ...nodeInfo(kubelet), operatingSystem } });
    expect((await cluster.nodes(signal)).map(({ name }) => name)).not.toContain('other');
    expect(await cluster.otherNodes(signal)).toEqual([
      { name: 'other', kubelet, why: expect.stringMatching(why) as string },
    ]);
    if (operatingSystem !== 'windows') await expectOneView(bench());
    expect(await cluster.node('other', signal)).toBeUndefined();
    await remove('/api/v1/nodes/other');
    expect(await cluster.otherNodes(signal)).toEqual([]);
  });

  it('names a node whose kubelet version cannot be read', async () => {
    const { cluster, node, remove } = bench();
    await node('odd', { nodeInfo: nodeInfo('v1.36.2-vendor.7') });
    const why = /node odd: its kubelet version is "v1.36.2-vendor.7"/;
    await expect(cluster.nodes(signal)).rejects.toThrow(why);
    await expect(cluster.outlines(signal)).rejects.toThrow(why);
    await expect(cluster.node('odd', signal)).rejects.toThrow(why);
    await remove('/api/v1/nodes/odd');
  });

  it('D08 cordons with a record, keeps the first record, and lifts only a cordon of its own', async () => {
    const { cluster, patch } = bench();
    const state = async (): Promise<unknown> => {
      const [found] = (await cluster.nodes(signal)).filter(({ name }) => name === 'worker-1');
      return [found?.schedulable, found?.cordonedBy];
    };
    await cluster.cordon('worker-1', 'run 1', signal);
    await cluster.cordon('worker-1', 'run 2', signal);
    expect(await state()).toEqual([false, 'run 1']);
    await cluster.markUnfinished('worker-1', '1.36.4', signal);
    await expectOneView(bench());
    await cluster.markUnfinished('worker-1', null, signal);
    await cluster.uncordon('worker-1', signal);
    expect(await state()).toEqual([true, null]);
    await patch('/api/v1/nodes/worker-1', { spec: { unschedulable: true } });
    await cluster.cordon('worker-1', 'run 3', signal);
    await cluster.uncordon('worker-1', signal);
    expect(await state()).toEqual([false, null]);
    await patch('/api/v1/nodes/worker-1', { spec: { unschedulable: null } });
  });

  it('marks a node that still has to go, and takes away with the uncordon only what it has set', async () => {
    const { cluster, patch, read } = bench();
    const path = '/api/v1/nodes/worker-1';
    const label = 'node.kubernetes.io/exclude-from-external-load-balancers';
    const taints = [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule', timeAdded: '2026-11-20T10:00:00Z' }];
    await patch(path, { spec: { taints } });
    const state = async (): Promise<unknown> => {
      const { metadata, spec } = Marked.parse(await read(path));
      // The node controller has taints of its own for a node without a kubelet.
      const ours = spec.taints.filter(({ key }) => !key.startsWith('node.kubernetes.io/'));
      return { label: metadata.labels[label], taints: ours, marks: Object.keys(metadata.annotations) };
    };
    const before = await state();
    await cluster.mark('worker-1', 'pending', '2026-11-21T23:00:00Z', signal);
    await cluster.mark('worker-1', 'excluded', '2026-11-21T23:10:00Z', signal);
    await cluster.mark('worker-1', 'excluded', '2026-11-21T23:20:00Z', signal);
    expect(await cluster.node('worker-1', signal)).toMatchObject({
      pendingSince: '2026-11-21T23:00:00Z',
      excludedSince: '2026-11-21T23:10:00Z',
      schedulable: true,
    });
    const pending = { key: `${PREFIX}/pending`, effect: 'PreferNoSchedule' };
    expect(await state()).toMatchObject({ label: '', taints: [...taints, pending] });
    // By these the rollout goes, and it has outlines.
    await patch(path, { metadata: { labels: { generation: '2019' } } });
    await cluster.markUnfinished('worker-1', null, signal, '1.36.4 2026-11-21T23:00:00Z');
    await cluster.markFailed('worker-1', '1.36.4 - node it did not come back', signal);
    await expectOneView(bench());
    await patch(path, { metadata: { labels: { generation: null } } });
    await cluster.markUnfinished('worker-1', null, signal);
    await cluster.uncordon('worker-1', signal);
    expect(await state()).toEqual(before);
    // A person's label and taint stay, also when the node is cordoned by us meanwhile.
    await patch(path, { metadata: { labels: { [label]: 'true' } }, spec: { taints: [pending] } });
    for (const as of ['pending', 'excluded'] as const)
      await cluster.mark('worker-1', as, '2026-11-21T23:00:00Z', signal);
    await cluster.cordon('worker-1', 'run 1', signal);
    await cluster.uncordon('worker-1', signal);
    expect(await state()).toMatchObject({ label: 'true', taints: [pending] });
    await patch(path, { metadata: { labels: { [label]: null } }, spec: { taints: null } });
    await cluster.mark('none', 'pending', '2026-11-21T23:00:00Z', signal);
  });

  it("D07 keeps since when pods are held with the step, under a person's cordon too, and no longer", async () => {
    const { cluster, patch } = bench();
    const path = '/api/v1/nodes/worker-1';
    const held = { 'uid-1': '2026-11-21T23:00:00.000Z' };
    const since = () => cluster.heldSince('worker-1', signal);
    expect(await since()).toEqual({});
    await cluster.markUnfinished('worker-1', '1.36.4', signal);
    await cluster.cordon('worker-1', 'run 1', signal);
    await cluster.writeHeldSince('worker-1', held, signal);
    await cluster.cordon('worker-1', 'run 1', signal);
    expect(await since()).toEqual(held);
    // A person has lifted it in between: what is cordoned anew has a new clock.
    await patch(path, { spec: { unschedulable: null } });
    await cluster.cordon('worker-1', 'run 2', signal);
    expect(await since()).toEqual({});
    for (const text of ['{', '[]', '{"uid-1":"yesterday"}', '7']) {
      await patch(path, { metadata: { annotations: { [`${PREFIX}/held-since`]: text } } });
      expect(await since()).toEqual({});
    }
    await cluster.uncordon('worker-1', signal);
    await patch(path, { spec: { unschedulable: true } });
    await cluster.writeHeldSince('worker-1', held, signal);
    await cluster.uncordon('worker-1', signal);
    expect(await since()).toEqual({});
    expect((await cluster.nodes(signal)).find(({ name }) => name === 'worker-1')?.schedulable).toBe(false);
    await cluster.writeHeldSince('worker-1', held, signal);
    await cluster.markUnfinished('worker-1', null, signal);
    expect(await since()).toEqual({});
    await patch(path, { spec: { unschedulable: null } });
  });
}
