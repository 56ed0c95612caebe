import { describe, expect, it } from 'vitest';
import { budgetsOver } from './budgets-over.ts';
import { examplePod } from './example-pod.ts';

describe('budgetsOver', () => {
  const budget = (
    name: string,
    selector: Parameters<typeof budgetsOver>[1][number]['selector'],
    namespace = 'apps',
  ) => ({
    namespace,
    name,
    disruptionsAllowed: 0,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 1,
    selector,
  });

  it('D07 finds budgets by labels and by expressions, in the namespace of the pod only', () => {
    const budgets = [
      budget('labels', { matchLabels: { app: 'web' } }),
      budget('expressions', { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'api'] }] }),
      budget('both', {
        matchLabels: { app: 'web' },
        matchExpressions: [{ key: 'tier', operator: 'Exists' }],
      }),
      budget('everything', {}),
      budget('nothing', null),
      budget('elsewhere', {}, 'shop'),
      budget('others', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }),
    ];
    expect(budgetsOver(examplePod('web-1', { labels: { app: 'web' } }), budgets)).toEqual([
      'everything',
      'expressions',
      'labels',
    ]);
  });

  it('names them in order, and none that needs another label as well', () => {
    const labels = { app: 'web', tier: 'front' };
    const both = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] };
    const other = { matchLabels: { app: 'web', tier: 'back' } };
    const budgets = [budget('z', both), budget('a', { matchLabels: labels }), budget('m', other)];
    expect(budgetsOver(examplePod('web-1', { labels }), budgets)).toEqual(['a', 'z']);
  });
});
