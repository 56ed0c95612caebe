import { describe, expect, it } from 'vitest';
import type { Budget, Cluster, EvictionResult } from '../cluster/cluster.ts';
import { exampleBudget, examplePod } from '../cluster/example-pod.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { known, unknown } from '../observed.ts';
import { observeBudgets } from './budgets.ts';

const signal = new AbortController().signal;
const pod = (name: string, fields: Parameters<typeof examplePod>[1] = {}) =>
  examplePod(name, { labels: { app: 'web' }, ...fields });

function observed(
  budgets: readonly Budget[],
  pods: ReturnType<typeof pod>[] | 'not asked',
  tryEviction: Cluster['tryEviction'] = () => Promise.resolve({ kind: 'accepted' }),
) {
  return observeBudgets(
    {
      tryEviction,
      budgets: () => Promise.resolve(budgets),
      foldPods: async (_, start, see) => {
        if (pods === 'not asked') throw new Error('the pods were asked');
        const state = start();
        for (const each of pods) see(state, each);
        return state;
      },
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
        refusal: known(null),
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

  const blocked: EvictionResult = { kind: 'blocked', budget: 'web', message: 'it needs 1', retryAfterMs: 0 };
  const forbidden = new ClusterError('pods/eviction is forbidden', { status: 403, reason: 'Forbidden' });

  it.each<[string, Record<string, EvictionResult | Error>, unknown]>([
    ['of a Ready pod', { ready: blocked }, known('it needs 1')],
    ['of a pod that is not Ready', { sick: blocked }, known('it needs 1')],
    ['for two budgets', { ready: { kind: 'impossible', message: 'two' } }, known('two')],
    ['which it was too busy for', { ready: { kind: 'busy', message: 'later', retryAfterMs: 0 } }, unknown('later')],
    ['which this account may not ask for', { ready: forbidden }, unknown('pods/eviction is forbidden')],
    ['of all, which would go', {}, known(null)],
  ])('have what the API server would say to an eviction %s', async (_title, answers, want) => {
    const asked: string[] = [];
    const pods = [pod('ready'), pod('ready-2'), pod('sick', { ready: false }), pod('sick-2', { ready: false })];
    const found = await observed([exampleBudget('web')], pods, async ({ name }) => {
      asked.push(name);
      const answer = answers[name] ?? { kind: 'accepted' };
      if (answer instanceof Error) throw answer;
      return answer;
    });
    expect(found.map(({ refusal }) => refusal)).toEqual([want]);
    expect(['ready', 'sick']).toEqual(expect.arrayContaining(asked));
  });

  it('are unknown when the API server is away', async () => {
    const away = new ClusterError('no answer', { status: 0, reason: 'Unreachable', unavailable: true });
    await expect(observed([exampleBudget('web')], [pod('a')], () => Promise.reject(away))).rejects.toBe(away);
  });

  it('are asked for ten at a time', async () => {
    let now = 0;
    let most = 0;
    const names = Array.from({ length: 25 }, (_, index) => `app-${index}`);
    const pods = names.map((app) => pod(app, { labels: { app } }));
    await observed(
      names.map((name) => exampleBudget(name)),
      pods,
      async () => {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 1));
        now -= 1;
        return { kind: 'accepted' };
      },
    );
    expect(most).toBe(10);
  });
});
