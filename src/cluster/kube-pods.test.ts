import { describe, expect, it } from 'vitest';
import { evictionResult } from './kube-pods.ts';
import { subjectOf } from './kube-subject.ts';

const status = (code: number, message: string, details: object = {}, reason = ''): string =>
  JSON.stringify({ kind: 'Status', status: 'Failure', code, message, reason, details });
const SUBJECT = subjectOf({ path: '/api/v1/namespaces/apps/pods/a/eviction' });

const BUDGET = {
  causes: [
    { reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods and has 2 currently' },
  ],
};

describe('an eviction', () => {
  it.each([
    ['is accepted', 201, '{"kind":"Status","status":"Success"}', { kind: 'accepted' }],
    [
      'finds the pod gone',
      404,
      status(404, 'pods "a" not found', { name: 'a', kind: 'pods' }, 'NotFound'),
      { kind: 'gone' },
    ],
    [
      'finds another pod of that name',
      409,
      status(409, 'the UID in the precondition does not match'),
      { kind: 'gone' },
    ],
    [
      'is blocked by a budget',
      429,
      status(429, 'Cannot evict pod', BUDGET),
      { kind: 'blocked', budget: 'web', retryAfterMs: 0 },
    ],
    [
      'is told how long a budget is still being processed',
      429,
      status(429, 'Cannot evict pod', { ...BUDGET, retryAfterSeconds: 10 }),
      { kind: 'blocked', retryAfterMs: 10_000 },
    ],
    ['is throttled, which is no budget', 429, 'Too many requests', { kind: 'busy' }],
    [
      'can never be done under two budgets',
      500,
      status(500, 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'),
      { kind: 'impossible' },
    ],
    [
      'can never be done, said under 201',
      201,
      status(500, 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'),
      { kind: 'impossible' },
    ],
    ['meets a passing 500', 500, status(500, 'etcdserver: request timed out'), { kind: 'busy' }],
    ['meets a conflict on the budget', 504, status(504, "couldn't update PodDisruptionBudget"), { kind: 'busy' }],
    [
      'meets a namespace that ends',
      403,
      status(403, 'forbidden', { causes: [{ reason: 'NamespaceTerminating' }] }),
      { kind: 'busy' },
    ],
    ['meets a budget in doubt', 403, status(403, 'pdb disruptions allowed is negative'), { kind: 'blocked' }],
  ] as const)('D07 %s', (_title, code, body, expected) => {
    expect(
      evictionResult({ status: code, body, contentType: '', retryAfterMs: undefined, date: undefined }, SUBJECT),
    ).toMatchObject(expected);
  });

  it('that is not permitted is an error and no result', () => {
    const body = status(403, 'pods "a" is forbidden: User "x" cannot create resource "pods/eviction"');
    expect(
      evictionResult({ status: 403, body, contentType: '', retryAfterMs: undefined, date: undefined }, SUBJECT),
    ).toBeUndefined();
  });
});
