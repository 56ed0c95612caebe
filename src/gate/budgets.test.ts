import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { BudgetFact, Facts } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import type { DrainPolicy } from '../settings/drain.ts';
import { budgets } from './budgets.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';

const STUCK: BudgetFact = {
  namespace: 'shop',
  name: 'web',
  disruptionsAllowed: 0,
  currentHealthy: 2,
  desiredHealthy: 1,
  expectedPods: 2,
};

function gate(
  facts: Facts['budgets'],
  severity: 'warn' | 'block' = 'block',
  policies: readonly DrainPolicy[] = [],
  more: Partial<Facts> = {},
) {
  const options = exampleOptions({ budgets: { severity, policies } });
  return evaluateGate(exampleFacts({ budgets: facts, ...more }), '1.36.4', [budgets], options).findings;
}

const reasons = (...list: Partial<BudgetFact>[]): string[] =>
  gate(known(list.map((fields) => ({ ...STUCK, ...fields })))).map(({ reason }) => reason);

describe('a budget that can never allow a disruption', () => {
  it.each([
    [undefined, ''],
    [['worker-1', 'worker-2'], '; it holds worker-1, worker-2'],
  ])('is named with its numbers, and with the nodes that it holds as far as they are known: %j', (nodes, where) => {
    expect(gate(known([nodes === undefined ? STUCK : { ...STUCK, nodes }]))).toEqual([
      {
        check: 'budgets',
        reason: 'BudgetNeverAllows',
        class: 'actionable',
        severity: 'block',
        message: `PodDisruptionBudget shop/web can never allow a disruption: all 2 of its pods are healthy and it wants 1${where}`,
        remedy:
          'Run one replica more, loosen minAvailable or maxUnavailable, or give it a policy in drain.policies; until then the drain of its node gives up.',
      },
    ]);
  });

  it.each<[string, Partial<BudgetFact>, boolean]>([
    ['allows none now, and all its pods are healthy', {}, true],
    ['allows one now', { disruptionsAllowed: 1 }, false],
    ['is below what it wants', { disruptionsAllowed: -1 }, true],
    ['has more healthy pods than it expects', { currentHealthy: 3 }, true],
    ['has a pod that may become healthy yet', { currentHealthy: 1 }, false],
    ['has one pod, which is healthy', { expectedPods: 1, currentHealthy: 1 }, true],
    ['has no pod at all', { expectedPods: 0, currentHealthy: 0 }, false],
    ['holds no node', { nodes: [] }, false],
  ])('is one that %s', (_title, fields, never) => {
    expect(reasons(fields)).toEqual(never ? ['BudgetNeverAllows'] : []);
  });

  it('has the severity of the settings', () => {
    expect(gate(known([STUCK]), 'warn').map(({ severity }) => severity)).toEqual(['warn']);
  });
});

describe('a budget that lets no pod go for now', () => {
  const COUNT =
    'Give it minAvailable as a number of pods, the only way to count pods without a Deployment, ReplicaSet, StatefulSet or other owner with a scale subresource; or delete it.';

  it.each<[string, Partial<BudgetFact>, string, string]>([
    [
      'fails to sync',
      {
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: 0,
        syncFailed: 'things.example.test does not implement the scale subresource',
      },
      'BudgetSyncFailed: PodDisruptionBudget shop/web lets no pod go: the disruption controller cannot count its pods: things.example.test does not implement the scale subresource',
      `${COUNT} kubectl -n shop describe poddisruptionbudget web`,
    ],
    [
      'counts the replicas of pods without an owner',
      { currentHealthy: 1, desiredHealthy: 0, expectedPods: 0 },
      'BudgetExpectsNone: PodDisruptionBudget shop/web lets no pod go: a percentage or maxUnavailable counts the replicas of owners, and its pods have none',
      COUNT,
    ],
    [
      'has too few healthy pods',
      { currentHealthy: 0, desiredHealthy: 1, expectedPods: 2 },
      'BudgetUnhealthy: PodDisruptionBudget shop/web lets no pod go, not even those that are not Ready: 0 of its pods are healthy and it wants 1',
      'Mend these pods, or set unhealthyPodEvictionPolicy: AlwaysAllow, which lets those go that are not Ready; or give it a policy in drain.policies.',
    ],
  ])('is named when it %s', (_title, fields, message, remedy) => {
    const found = gate(known([{ ...STUCK, ...fields, refusal: known('no'), nodes: ['worker-2'] }]));
    expect(found.map((one) => [`${one.reason}: ${one.message}`, one.remedy])).toEqual([
      [`${message}; it holds worker-2`, remedy],
    ]);
  });

  it.each<[string, BudgetFact['refusal'], string[]]>([
    ['has said that they would go', known(null), []],
    ['has said no', known('the disruption budget web needs 2 healthy pods'), ['BudgetNeverAllows']],
    ['was not asked', undefined, ['BudgetNeverAllows']],
    ['could not be asked', unknown('forbidden'), ['BudgetNeverAllows']],
  ])('is judged by its numbers unless the eviction API %s', (_title, refusal, want) => {
    expect(reasons(refusal === undefined ? {} : { refusal })).toEqual(want);
  });

  it('says when the eviction API could not be asked', () => {
    expect(gate(known([{ ...STUCK, refusal: unknown('pods/eviction is forbidden') }]))[0]?.message).toMatch(
      /it wants 1; the eviction API could not be asked: pods\/eviction is forbidden$/,
    );
  });
});

describe('the nodes that a budget holds', () => {
  const held: BudgetFact = { ...STUCK, nodes: ['virtual-1', 'worker-1', 'worker-2'] };
  const of = (names: readonly string[]): Facts['nodes'] =>
    known(
      ['worker-1', 'worker-2'].map((name) =>
        exampleNode(name, { kubelet: names.includes(name) ? '1.36.4' : '1.36.3' }),
      ),
    );
  const nodesOf = (nodes: Facts['nodes']): string | undefined =>
    gate(known([held]), 'block', [], { nodes })[0]?.message.split('; it holds ')[1];

  it('are those that are ours and not on the target yet', () => {
    expect(nodesOf(of([]))).toBe('worker-1, worker-2');
    expect(nodesOf(of(['worker-1']))).toBe('worker-2');
    expect(gate(known([held]), 'block', [], { nodes: of(['worker-1', 'worker-2']) })).toEqual([]);
  });

  it('are none where nothing is drained, also while nobody knows which they are', () => {
    const options = exampleOptions({ drain: { mode: 'patch-without', raise: true } });
    const found = (facts: Partial<Facts>) => evaluateGate(exampleFacts(facts), '1.36.4', [budgets], options).findings;
    expect(found({ budgets: known([held]) })).toEqual([]);
    expect(found({ budgets: known([STUCK]) })).toEqual([]);
    expect(found({ budgets: unknown('forbidden') })).toEqual([]);
    const nodes = known([exampleNode('cp-1'), exampleNode('worker-1', { kubelet: '1.35.8' }), exampleNode('worker-2')]);
    expect(found({ budgets: known([held]), nodes })[0]?.message).toMatch(/; it holds worker-1$/);
  });

  it('are all of them while the nodes are not known', () => {
    expect(nodesOf(unknown('forbidden'))).toBe('virtual-1, worker-1, worker-2');
  });
});

describe('two budgets over the same pods', () => {
  const OPEN = { disruptionsAllowed: 1 };

  it.each([
    [undefined, ''],
    [['worker-1', 'worker-2'], '; they hold worker-1, worker-2'],
  ])('are named once, and with the nodes that they hold as far as they are known: %j', (nodes, where) => {
    const held = nodes === undefined ? {} : { nodes };
    const pair = [
      { ...STUCK, ...OPEN, ...held, name: 'web', overlaps: ['all'] },
      { ...STUCK, ...OPEN, ...held, name: 'all', overlaps: ['web'] },
    ];
    expect(gate(known(pair), 'warn')).toEqual([
      {
        check: 'budgets',
        reason: 'BudgetsOverlap',
        class: 'actionable',
        severity: 'warn',
        message: `PodDisruptionBudgets shop/all and shop/web cover the same pods, which the API then never evicts${where}`,
        remedy: 'Make their selectors disjoint, or delete one of them; until then the drain of their nodes is refused.',
      },
    ]);
  });

  it('are named pair by pair, and beside what one of them says by itself', () => {
    const list = [
      { ...STUCK, name: 'a', overlaps: ['b', 'c'] },
      { ...STUCK, ...OPEN, name: 'b', overlaps: ['a', 'c'] },
      { ...STUCK, ...OPEN, name: 'c', overlaps: ['a', 'b'] },
    ];
    expect(gate(known(list)).map(({ message }) => message.replace(/( can never| cover).*/, ''))).toEqual([
      'PodDisruptionBudget shop/a',
      'PodDisruptionBudgets shop/a and shop/b',
      'PodDisruptionBudgets shop/a and shop/c',
      'PodDisruptionBudgets shop/b and shop/c',
    ]);
  });

  it('do not matter where a drain evicts none of their pods', () => {
    expect(reasons({ name: 'all', overlaps: ['web'], nodes: [] })).toEqual([]);
  });
});

describe('a policy of the settings', () => {
  const policy = (action: DrainPolicy['action'], fields: Partial<DrainPolicy> = {}): DrainPolicy => ({
    namespace: 'shop',
    budget: 'web',
    action,
    afterSeconds: 600,
    ...fields,
  });
  it.each<[string, DrainPolicy, BudgetFact, string[]]>([
    ['settles a budget by deleting', policy('delete-after'), STUCK, []],
    ['settles a budget by restarting the owner', policy('restart-owner'), STUCK, []],
    ['does not settle it by waiting', policy('wait'), STUCK, ['BudgetNeverAllows']],
    ['does not settle it by giving up', policy('give-up'), STUCK, ['BudgetNeverAllows']],
    ['settles every budget of a namespace', policy('delete-after', { budget: '' }), STUCK, []],
    ['leaves other budgets alone', policy('delete-after', { budget: 'db' }), STUCK, ['BudgetNeverAllows']],
    ['leaves other namespaces alone', policy('delete-after', { namespace: 'lab' }), STUCK, ['BudgetNeverAllows']],
    [
      'for one of two budgets over the same pods settles both',
      policy('delete-after'),
      { ...STUCK, name: 'all', overlaps: ['web'] },
      [],
    ],
  ])('%s', (_title, one, budget, want) => {
    expect(gate(known([budget]), 'block', [one]).map(({ reason }) => reason)).toEqual(want);
  });
});

describe('budgets that could not be read', () => {
  it.each(['warn', 'block'] as const)('are a %s when the settings say so', (severity) => {
    expect(gate(unknown('forbidden'), severity)).toEqual([
      {
        check: 'budgets',
        reason: 'Unknown',
        class: 'actionable',
        severity,
        message: 'the PodDisruptionBudgets could not be read: forbidden',
        remedy: 'Look at kubectl get poddisruptionbudgets -A.',
      },
    ]);
  });
});
