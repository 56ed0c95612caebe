import { describe, expect, it } from 'vitest';
import type { DrainPolicy } from './drain.ts';
import { policyFor } from './drain-policy.ts';

const POLICIES: readonly DrainPolicy[] = [
  { namespace: 'shop', budget: '', action: 'delete-after', afterSeconds: 60 },
  { namespace: 'shop', budget: 'db', action: 'give-up', afterSeconds: 600 },
  { namespace: 'shop', budget: 'cache', action: 'restart-owner', afterSeconds: 700 },
  { namespace: 'lab', budget: 'only', action: 'restart-owner', afterSeconds: 800 },
];

describe('the policy for a pod', () => {
  it.each<[string, string, string[], Partial<DrainPolicy>]>([
    [
      'is the one of its budget, though the one of the namespace is first',
      'shop',
      ['db'],
      { action: 'give-up', afterSeconds: 600 },
    ],
    [
      'is the one of the second of its budgets, when the first has none',
      'shop',
      ['web', 'cache'],
      { action: 'restart-owner' },
    ],
    ['is the first in the list, when two of its budgets have one', 'shop', ['cache', 'db'], { action: 'give-up' }],
    ['is the one of the namespace for any other budget', 'shop', ['web'], { action: 'delete-after', afterSeconds: 60 }],
    ['is the one of the namespace when no budget is known', 'shop', [], { action: 'delete-after' }],
    ['is to wait where only another budget has one', 'lab', ['db'], { action: 'wait', afterSeconds: 0 }],
    ['is to wait in a namespace without one', 'home', ['db'], { action: 'wait', afterSeconds: 0 }],
  ])('%s', (_title, namespace, budgets, want) => {
    expect(policyFor(POLICIES, namespace, budgets)).toMatchObject(want);
  });

  it('is to wait without any policy', () => {
    expect(policyFor([], 'shop', ['db'])).toEqual({ action: 'wait', afterSeconds: 0 });
  });
});
