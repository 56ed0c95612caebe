import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusters, controlPlane, finished, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import type { NodeFact } from './node-fact.ts';
import { controlPlanes, firstControlPlane, hasTargetVersion, isOnTarget, workers } from './nodes.ts';

describe('firstControlPlane', () => {
  it('is the same whatever order the API lists the nodes in, upgraded or not', () => {
    fc.assert(
      fc.property(clusters(), (nodes) => {
        expect(firstControlPlane(nodes.toReversed().map(finished))).toBe(firstControlPlane(nodes));
      }),
    );
  });

  it('is the control plane whose name comes first', () => {
    expect(firstControlPlane([worker('a'), controlPlane('cp-2'), controlPlane('cp-1')])).toBe('cp-1');
  });

  it('is none without a control plane', () => {
    expect(firstControlPlane([worker('a')])).toBeUndefined();
    expect(firstControlPlane([])).toBeUndefined();
  });
});

describe('the nodes of one role', () => {
  const nodes = [worker('w-2'), controlPlane('cp-3'), controlPlane('cp-1'), worker('w-1'), controlPlane('cp-2')];

  it('are listed by name, and the list that was given stays as it is', () => {
    expect(controlPlanes(nodes).map(({ name }) => name)).toEqual(['cp-1', 'cp-2', 'cp-3']);
    expect(workers(nodes).map(({ name }) => name)).toEqual(['w-1', 'w-2']);
    expect(nodes.map(({ name }) => name)).toEqual(['w-2', 'cp-3', 'cp-1', 'w-1', 'cp-2']);
  });
});

describe('a node is on the target', () => {
  it.each<[string, NodeFact, { done: boolean; version: boolean }]>([
    ['when its kubelet is', worker('w1', TARGET), { done: true, version: true }],
    ['when its kubelet is beyond it', worker('w1', '1.36.5'), { done: true, version: true }],
    ['not while its kubelet is behind', worker('w1', OLD), { done: false, version: false }],
    ['not while our cordon is on it', worker('w1', TARGET, { cordonedBy: TARGET }), { done: false, version: true }],
    ['with the cordon of a person', worker('w1', TARGET, { schedulable: false }), { done: true, version: true }],
    ['not while a step has not ended', worker('w1', TARGET, { unfinished: TARGET }), { done: false, version: true }],
    ['when kubelet and API server are', controlPlane('cp-1', TARGET), { done: true, version: true }],
    [
      'when its API server is beyond it',
      controlPlane('cp-1', TARGET, { apiServer: '1.36.5' }),
      { done: true, version: true },
    ],
    [
      'not while its API server is behind',
      controlPlane('cp-1', TARGET, { apiServer: OLD }),
      { done: false, version: false },
    ],
    [
      'not while its kubelet is behind its API server',
      controlPlane('cp-1', TARGET, { kubelet: OLD }),
      { done: false, version: false },
    ],
    [
      'not while the API server of a control plane is not known',
      controlPlane('cp-1', TARGET, { apiServer: null }),
      { done: false, version: false },
    ],
  ])('%s', (_title, node, want) => {
    expect({ done: isOnTarget(node, TARGET), version: hasTargetVersion(node, TARGET) }).toEqual(want);
  });
});
