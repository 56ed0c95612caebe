import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { exampleBudget, examplePod } from '../cluster/example-pod.ts';
import { exampleNode } from '../facts/example-facts.ts';
import { leavingPods } from './leaving-pods.ts';
import { observe } from './observe.ts';

const GOING = { deleting: true, goneBy: '2026-11-21T06:00:00.000Z' };
const signal = new AbortController().signal;

describe('the pods that are terminating', () => {
  it('are those for which a drain waits, with what holds them', () => {
    const pods = [
      examplePod('here'),
      examplePod('going', { ...GOING, finalizers: ['example.test/never'], terminationGraceSeconds: 7 }),
      examplePod('ended', { ...GOING, phase: 'Succeeded' }),
      examplePod('nowhere', { ...GOING, node: null }),
      examplePod('undated', { deleting: true }),
      examplePod('static', { ...GOING, mirror: true }),
      examplePod('daemon', { ...GOING, owner: { kind: 'DaemonSet', name: 'd' } }),
    ];
    const { goneBy } = GOING;
    expect(leavingPods(pods)).toEqual([
      { namespace: 'apps', name: 'going', node: 'w1', goneBy, graceSeconds: 7, finalizers: ['example.test/never'] },
      { namespace: 'apps', name: 'ended', node: 'w1', goneBy, graceSeconds: 30, finalizers: [] },
    ]);
  });
});

describe('the pods of the cluster', () => {
  function world(nodes: 'known' | 'unknown') {
    const asked: string[] = [];
    const there = exampleWorld({
      cluster: {
        ...(nodes === 'known' ? {} : { nodes: () => Promise.reject(new Error('forbidden')) }),
        budgets: async () => [exampleBudget('web')],
        pods: async () => {
          return ['w1', 'virtual-node'].flatMap((node) => [
            examplePod(`web-${node}`, { node, labels: { app: 'web' } }),
            examplePod(`going-${node}`, { ...GOING, node }),
          ]);
        },
        tryEviction: async ({ name }) => {
          asked.push(name);
          return { kind: 'blocked', budget: 'web', message: 'no', retryAfterMs: 0 };
        },
      },
    });
    there.nodes = [exampleNode('w1')];
    return { there, asked };
  }
  const found = async ({ there }: ReturnType<typeof world>) => {
    const { budgets, leavingPods: leaving } = await observe(there.deps, ['nodes', 'budgets', 'leavingPods'], signal);
    return [
      budgets.known && budgets.value.flatMap(({ nodes }) => nodes),
      leaving?.known === true && leaving.value.map(({ node }) => node),
    ];
  };

  it('count on the nodes that are ours alone', async () => {
    const one = world('known');
    expect(await found(one)).toEqual([['w1'], ['w1']]);
    expect(one.asked).toEqual(['web-w1']);
  });

  it('count on every node while the nodes are not known', async () => {
    expect(await found(world('unknown'))).toEqual([
      ['virtual-node', 'w1'],
      ['w1', 'virtual-node'],
    ]);
  });
});
