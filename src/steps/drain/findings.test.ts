import { describe, expect, it } from 'vitest';
import { examplePod } from '../../cluster/example-pod.ts';
import { blockedFinding, gaveUpFinding, problemFinding, stuckFinding, twoBudgetsFinding } from './findings.ts';
import type { Holdup } from './holdups.ts';

const pod = examplePod('db-0');
const holdup: Holdup = {
  pod,
  kind: 'blocked',
  budget: 'keep',
  message: 'it needs 1 healthy pods',
  sinceMs: 0,
  againMs: 0,
  note: undefined,
};
const blocking = { check: 'drain', class: 'actionable', severity: 'block' };

describe('what a drain refuses with', () => {
  it.each([
    ['bare', 'BarePod', /lose a pod: apps\/db-0 has no owner/, /drain\.deleteBarePods/],
    ['empty-dir', 'EmptyDir', /lose data: apps\/db-0 has an emptyDir/, /drain\.deleteEmptyDir/],
  ] as const)('names what would be lost: %s', (kind, reason, message, remedy) => {
    expect(problemFinding({ kind, pod })).toEqual({
      ...blocking,
      reason,
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(remedy) as string,
    });
  });

  it.each([
    [['one', 'two'], 'pod apps/db-0 has the budgets apps/one and apps/two, and the API evicts no pod that has two'],
    [[], 'pod apps/db-0 has more than one budget, and the API evicts no pod that has two'],
  ])('names the budgets of a pod that has two, when they are known: %j', (budgets, message) => {
    expect(twoBudgetsFinding('w1', pod, budgets)).toMatchObject({
      ...blocking,
      reason: 'TwoBudgets',
      message: `Draining w1 cannot end: ${message}`,
    });
  });

  it.each([
    ['keep', undefined, 'budget apps/keep', ''],
    [null, 'it was restarted', 'its budget', '; it was restarted'],
  ])('names the budget %s and what a policy did', (budget, note, name, ending) => {
    const one = { ...holdup, budget, note };
    expect(gaveUpFinding('w1', one)).toMatchObject({
      ...blocking,
      reason: 'DrainBlocked',
      message: `Draining w1 gave up at once, by the policy for ${name}: apps/db-0: it needs 1 healthy pods${ending}`,
    });
    expect(blockedFinding('w1', one, 60)).toMatchObject({
      ...blocking,
      reason: 'DrainBlocked',
      message: `Draining w1 gave up after 60 s: apps/db-0 is held by ${name}: it needs 1 healthy pods${ending}`,
    });
  });

  it('names a pod that does not go', () => {
    expect(stuckFinding('w1', pod, 60, 'is still there')).toMatchObject({
      ...blocking,
      reason: 'PodStuck',
      message: 'Draining w1 gave up after 60 s: apps/db-0 is still there',
    });
  });
});
