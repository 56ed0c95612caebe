import { describe, expect, it } from 'vitest';
import type { Budget } from '../cluster/cluster.ts';
import { exampleBudget, examplePod } from '../cluster/example-pod.ts';
import { observeBudgets } from './budgets.ts';

const signal = new AbortController().signal;
const pod = (name: string, fields: Parameters<typeof examplePod>[1] = {}) =>
  examplePod(name, { labels: { app: 'web' }, ...fields });

function observed(budgets: readonly Budget[], pods: ReturnType<typeof pod>[] | 'not asked') {
  return observeBudgets(
    {
      budgets: () => Promise.resolve(budgets),
      pods: () => (pods === 'not asked' ? Promise.reject(new Error('the pods were asked')) : Promise.resolve(pods)),
    },
    signal,
  );
}

describe('the budgets that a drain may meet', () => {
  it('have the nodes from which a drain would evict their pods', async () => {
    const pods = [
      pod('a', { node: 'w2' }),
      pod('b', { node: 'w1' }),
      pod('c', { node: 'w1' }),
      pod('pending', { node: 'w3', phase: 'Pending' }),
      pod('daemon', { node: 'w4', owner: { kind: 'DaemonSet', name: 'web' } }),
      pod('other', { node: 'w5', labels: { app: 'other' } }),
      pod('elsewhere', { node: 'w6', namespace: 'shop' }),
    ];
    expect(await observed([exampleBudget('web')], pods)).toEqual([
      {
        namespace: 'apps',
        name: 'web',
        disruptionsAllowed: 0,
        currentHealthy: 1,
        desiredHealthy: 1,
        expectedPods: 1,
        nodes: ['w1', 'w2'],
        overlaps: [],
      },
    ]);
  });

  it('are named with those that cover the same pod, though both allow disruptions', async () => {
    const lenient = { disruptionsAllowed: 1 };
    const all = exampleBudget('all', { ...lenient, selector: {} });
    const apart = exampleBudget('api', { ...lenient });
    const found = await observed([exampleBudget('web', lenient), all, apart], [pod('a')]);
    expect(found.map(({ name, overlaps }) => [name, overlaps])).toEqual([
      ['web', ['all']],
      ['all', ['web']],
    ]);
  });

  it('are found without a look at the pods when all of them let go', async () => {
    const alone = [
      exampleBudget('web', { disruptionsAllowed: 1 }),
      exampleBudget('db', { namespace: 'shop', disruptionsAllowed: 1 }),
    ];
    expect(await observed(alone, 'not asked')).toEqual([]);
    expect(await observed([], 'not asked')).toEqual([]);
  });
});
