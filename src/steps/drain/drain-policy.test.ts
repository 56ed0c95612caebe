import { describe, expect, it } from 'vitest';
import { policyFor } from '../../settings/drain-policy.ts';
import { reactionTo } from './drain-policy.ts';

const policies = [
  { namespace: 'shop', budget: '', action: 'delete-after', afterSeconds: 600 },
  { namespace: 'shop', budget: 'db', action: 'give-up', afterSeconds: 600 },
  { namespace: 'lab', budget: 'only', action: 'restart-owner', afterSeconds: 600 },
] as const;

describe('policyFor', () => {
  it.each([
    ['the policy of the budget', 'shop', ['db'], 'give-up'],
    ['the policy of the namespace for any other budget', 'shop', ['web'], 'delete-after'],
    ['the policy of the namespace when the budget is not known', 'shop', [], 'delete-after'],
    ['to wait where no policy is meant', 'lab', ['another'], 'wait'],
    ['to wait in a namespace without any', 'home', ['db'], 'wait'],
  ] as const)('is %s', (_title, namespace, budgets, action) => {
    expect(policyFor(policies, namespace, budgets).action).toBe(action);
  });
});

describe('reactionTo', () => {
  const held = { isForEver: false, blockedMs: 0, isOwnDoing: false };
  it.each([
    ['waits by default', 'wait', held, 'wait'],
    ['gives up by default on what no waiting mends', 'wait', { ...held, isForEver: true }, 'give-up'],
    ['waits by default for what its own doing keeps busy', 'wait', { ...held, isOwnDoing: true }, 'wait'],
    ['gives up at once', 'give-up', held, 'give-up'],
    [
      'gives up at once on what no waiting mends, whoever keeps the budget busy',
      'give-up',
      { ...held, isForEver: true, isOwnDoing: true },
      'give-up',
    ],
    [
      'does not give up on a budget that is busy with this very drain',
      'give-up',
      { ...held, isOwnDoing: true },
      'wait',
    ],
    ['does not delete before its time', 'delete-after', { ...held, blockedMs: 599_999 }, 'wait'],
    ['deletes when its time has come', 'delete-after', { ...held, blockedMs: 600_000 }, 'delete'],
    [
      'deletes a pod under two budgets as well',
      'delete-after',
      { isForEver: true, blockedMs: 600_000, isOwnDoing: false },
      'delete',
    ],
    ['restarts at once', 'restart-owner', held, 'restart'],
  ] as const)('%s', (_title, action, blocked, want) => {
    expect(reactionTo({ action, afterSeconds: 600 }, blocked)).toBe(want);
  });
});
