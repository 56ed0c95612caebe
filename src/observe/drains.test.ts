import { expect, it } from 'vitest';
import { controlPlane, worker } from '../../test/support/clusters.ts';
import type { PodFact } from '../cluster/cluster.ts';
import { examplePod } from '../cluster/example-pod.ts';
import { observeDrains } from './drains.ts';

const signal = new AbortController().signal;

function of(pods: readonly PodFact[], nodes = [worker('w-2'), worker('w-1')]) {
  const asked: string[] = [];
  const cluster = {
    pods: async ({ node = '' }: { readonly node?: string }) => {
      asked.push(node);
      return pods.filter((pod) => pod.node === node);
    },
  };
  return { asked, drains: observeDrains(cluster, nodes, signal) };
}

it('counts what a drain would evict of each node, by namespace', async () => {
  const pods = [
    examplePod('a', { node: 'w-2', namespace: 'shop' }),
    examplePod('b', { node: 'w-1', namespace: 'shop' }),
    examplePod('c', { node: 'w-1', namespace: 'shop' }),
    examplePod('d', { node: 'w-1', namespace: 'data' }),
  ];
  expect(await of(pods).drains).toEqual([
    { node: 'w-1', evicts: { data: 1, shop: 2 } },
    { node: 'w-2', evicts: { shop: 1 } },
  ]);
});

it('does not count what stays, what is over, and what goes already', async () => {
  const pods = [
    examplePod('daemon', { node: 'w-1', owner: { kind: 'DaemonSet', name: 'd' } }),
    examplePod('static', { node: 'w-1', mirror: true }),
    examplePod('done', { node: 'w-1', phase: 'Succeeded' }),
    examplePod('going', { node: 'w-1', deleting: true }),
  ];
  expect(await of(pods, [worker('w-1')]).drains).toEqual([{ node: 'w-1', evicts: {} }]);
});

it('reads no more than a hundred nodes of a large cluster, the control planes among them', async () => {
  const many = Array.from({ length: 300 }, (_, index) => worker(`w-${index}`));
  const { asked, drains } = of([], [...many, controlPlane('zz')]);
  expect((await drains).map(({ node }) => node).slice(0, 2)).toEqual(['zz', 'w-0']);
  expect(asked).toHaveLength(100);
});
