import { expect, it } from 'vitest';
import { examplePod } from '../cluster/example-pod.ts';
import { drainsOf } from './drains.ts';

it('counts what a drain would evict of each node, by namespace', () => {
  const pods = [
    examplePod('a', { node: 'w-2', namespace: 'shop' }),
    examplePod('b', { node: 'w-1', namespace: 'shop' }),
    examplePod('c', { node: 'w-1', namespace: 'shop' }),
    examplePod('d', { node: 'w-1', namespace: 'data' }),
  ];
  expect(drainsOf(pods)).toEqual([
    { node: 'w-1', evicts: { data: 1, shop: 2 } },
    { node: 'w-2', evicts: { shop: 1 } },
  ]);
});

it('leaves out what stays, what is over, what goes already, and what has no node', () => {
  const pods = [
    examplePod('daemon', { node: 'w-1', owner: { kind: 'DaemonSet', name: 'd' } }),
    examplePod('static', { node: 'w-1', mirror: true }),
    examplePod('done', { node: 'w-1', phase: 'Succeeded' }),
    examplePod('going', { node: 'w-1', deleting: true }),
    examplePod('nowhere', { node: null, phase: 'Running' }),
  ];
  expect(drainsOf(pods)).toEqual([]);
});
