import { describe, expect, it } from 'vitest';
import { exampleAlert, exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { AlertFact, BudgetFact, Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, unknown } from '../observed.ts';
import { preflightChecks } from './checks.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { haltingAlerts } from './firing-alerts.ts';
import type { GateOptions } from './gate-options.ts';

/** '<check>/<reason>/<severity>' of every finding. */
function findings(facts: Partial<Facts>, target = '1.36.4', options: Partial<GateOptions> = {}): string[] {
  const result = evaluateGate(exampleFacts(facts), target, preflightChecks, exampleOptions(options));
  return result.findings.map((finding) => `${finding.check}/${finding.reason}/${finding.severity}`);
}

const nodes = (...list: NodeFact[]): Partial<Facts> => ({ nodes: known(list) });
const cp = exampleNode('cp-1');

describe('nodes-ready', () => {
  it.each<[string, Partial<NodeFact>, string[]]>([
    ['is quiet about a healthy node', {}, []],
    ['refuses a node that is not Ready', { ready: 'no' }, ['nodes-ready/NodeNotReady/block']],
    ['refuses a node that does not report', { ready: 'unknown' }, ['nodes-ready/NodeNotReady/block']],
    ['refuses memory pressure', { memoryPressure: true }, ['nodes-ready/MemoryPressure/block']],
    ['refuses disk pressure', { diskPressure: true }, ['nodes-ready/DiskPressure/block']],
    ['D16 refuses a node without InternalIP', { internalIp: null }, ['nodes-ready/NoInternalIP/block']],
    ['lets a node be cordoned by a person', { schedulable: false }, []],
    [
      'I04 goes on at the node that the interrupted run was changing',
      { ready: 'no', cordonedBy: 'run' },
      ['nodes-ready/NodeNotReady/warn'],
    ],
  ])('%s', (_title, fields, want) => {
    expect(findings(nodes(cp, exampleNode('worker-1', fields)))).toEqual(want);
  });

  it('takes an empty list of nodes for no answer', () => {
    expect(findings(nodes())).toContain('nodes-ready/Unknown/block');
  });
});

describe('quiet-baseline', () => {
  it.each<[string, Partial<NodeFact>, string[]]>([
    [
      'refuses a node that became Ready a minute ago',
      { readySince: '2026-11-21T06:06:00Z' },
      ['quiet-baseline/NodeNotSettled/block'],
    ],
    [
      'refuses a transition in the future',
      { readySince: '2026-11-21T07:00:00Z' },
      ['quiet-baseline/NodeNotSettled/block'],
    ],
    ['accepts one right at the end of the window', { readySince: '2026-11-21T05:57:00Z' }, []],
    ['I10 refuses when the node gives no time', { readySince: null }, ['quiet-baseline/Unknown/block']],
    ['I10 refuses a time that cannot be parsed', { readySince: 'Sat 21 Nov' }, ['quiet-baseline/Unknown/block']],
    [
      'I04 ignores a node that the run has upgraded already',
      { readySince: '2026-11-21T06:06:00Z', kubelet: '1.36.4' },
      ['version-skew/KubeletAhead/warn'],
    ],
    ['I04 ignores a node that the run has cordoned', { readySince: '2026-11-21T06:06:00Z', cordonedBy: 'run' }, []],
  ])('%s', (_title, fields, want) => {
    expect(findings(nodes(cp, exampleNode('worker-1', fields)))).toEqual(want);
  });
});

describe('firing-alerts', () => {
  const with_ = (fields: Partial<GateOptions['alerts']>): Partial<GateOptions> => ({
    alerts: { ...exampleOptions().alerts, ...fields },
  });

  it.each<[string, AlertFact, Partial<GateOptions['alerts']>, string[]]>([
    ['halts for a critical alert', exampleAlert('EtcdSlow'), {}, ['firing-alerts/AlertFiring/block']],
    ['does not halt for a warning', exampleAlert('EtcdSlow', { severity: 'warning' }), {}, []],
    ['does not halt for a pending alert', exampleAlert('EtcdSlow', { state: 'pending' }), {}, []],
    [
      'halts for the severities of the settings',
      exampleAlert('EtcdSlow', { severity: 'page' }),
      { severities: ['page'] },
      ['firing-alerts/AlertFiring/block'],
    ],
    ['ignores by expression', exampleAlert('EtcdSlow'), { ignore: ['Etcd.*'] }, []],
    ['anchors expressions', exampleAlert('EtcdSlow'), { ignore: ['Etcd'] }, ['firing-alerts/AlertFiring/block']],
    ["I21 ignores the chain's own alerts", exampleAlert('K8sUpgradeStalled'), {}, []],
    [
      'I04 halts for a reboot before the first change',
      exampleAlert('RecentNodeReboot'),
      {},
      ['firing-alerts/AlertFiring/block'],
    ],
    ['I04 ignores a reboot that the run may have caused', exampleAlert('RecentNodeReboot'), { duringRun: true }, []],
    [
      'blocks when an expression is broken',
      exampleAlert('EtcdSlow'),
      { ignore: ['('] },
      ['firing-alerts/CheckFailed/block'],
    ],
  ])('%s', (_title, one, options, want) => {
    expect(findings({ alerts: known([one]) }, '1.36.4', with_(options))).toEqual(want);
  });

  it('I02 takes no alerts for no alerts', () => {
    expect(haltingAlerts([], exampleOptions().alerts)).toEqual([]);
  });

  it('D01 halts when Prometheus cannot be asked, unless the settings do without', () => {
    const facts = { alerts: unknown('connection refused') };
    expect(findings(facts)).toEqual(['firing-alerts/Unknown/block']);
    expect(findings(facts, '1.36.4', with_({ required: false }))).toEqual(['firing-alerts/Unknown/warn']);
  });
});

describe('version-skew', () => {
  const cluster = (apiServer: string, ...list: NodeFact[]): Partial<Facts> => ({
    apiServer: known(apiServer),
    nodes: known(list),
  });
  it.each<[string, Partial<Facts>, string, string[]]>([
    ['allows a patch', cluster('1.36.3', cp), '1.36.4', []],
    ['allows the next minor', cluster('1.36.3', cp), '1.37.1', []],
    ['refuses to skip a minor', cluster('1.36.3', cp), '1.38.1', ['version-skew/IllegalJump/block']],
    ['D03 refuses a lower version', cluster('1.36.3', cp), '1.36.2', ['version-skew/IllegalJump/block']],
    [
      'refuses a kubelet of a newer minor than the API server',
      cluster('1.36.3', cp, exampleNode('worker-1', { kubelet: '1.37.0' })),
      '1.36.4',
      ['version-skew/KubeletTooNew/block'],
    ],
    [
      'refuses a kubelet more than three minors below the target',
      cluster('1.36.3', cp, exampleNode('worker-1', { kubelet: '1.33.9' })),
      '1.37.1',
      ['version-skew/KubeletTooOld/block'],
    ],
    [
      'allows a kubelet three minors below the target',
      cluster('1.36.3', cp, exampleNode('worker-1', { kubelet: '1.34.9' })),
      '1.37.1',
      [],
    ],
    [
      'D19 allows a control plane that is half-way to the next minor',
      cluster('1.36.3', exampleNode('cp-1', { kubelet: '1.37.1' }), exampleNode('cp-2')),
      '1.37.1',
      [],
    ],
    [
      'refuses API servers two minors apart',
      cluster('1.35.3', exampleNode('cp-1', { kubelet: '1.37.1' }), exampleNode('cp-2', { kubelet: '1.35.3' })),
      '1.36.4',
      ['version-skew/ApiServerSkew/block'],
    ],
  ])('%s', (_title, facts, target, want) => {
    expect(findings(facts, target)).toEqual(want);
  });

  it('says that a control plane without an API server pod cannot be judged', () => {
    expect(findings(nodes(exampleNode('cp-1', { apiServer: null })))).toEqual(['version-skew/Unknown/block']);
  });
});

describe('permissions', () => {
  it('I03 I11 names each permission that is missing', () => {
    const permission = (verb: string, group: string, resource: string, namespace: string) => ({
      verb,
      group,
      resource,
      namespace,
      allowed: false,
    });
    const facts = exampleFacts({
      permissions: known([permission('get', '', 'pods/log', 'default'), permission('list', 'apps', 'daemonsets', '')]),
    });
    const { findings: list } = evaluateGate(facts, '1.36.4', preflightChecks, exampleOptions());
    expect(list.map((finding) => finding.message)).toEqual([
      'the account of the chain may not get pods/log in namespace default, which the chain needs',
      'the account of the chain may not list daemonsets.apps in the whole cluster, which the chain needs',
    ]);
  });

  it('refuses when nothing was asked', () => {
    expect(findings({ permissions: known([]) })).toEqual(['permissions/Unknown/block']);
    expect(findings({ permissions: unknown('forbidden') })).toEqual(['permissions/Unknown/block']);
  });
});

describe('budgets', () => {
  const BUDGET: BudgetFact = {
    namespace: 'shop',
    name: 'web',
    disruptionsAllowed: 0,
    currentHealthy: 2,
    desiredHealthy: 2,
    expectedPods: 2,
  };
  const budget = (fields: Partial<BudgetFact>): Partial<Facts> => ({
    budgets: known([{ ...BUDGET, ...fields }]),
  });
  it.each<[string, Partial<Facts>, 'warn' | 'block', string[]]>([
    ['warns of a budget that can never allow a disruption', budget({}), 'warn', ['budgets/BudgetNeverAllows/warn']],
    ['refuses it when the settings say so', budget({}), 'block', ['budgets/BudgetNeverAllows/block']],
    [
      'leaves a budget alone that has what it wants, and waits for one pod more',
      budget({ currentHealthy: 2, desiredHealthy: 2, expectedPods: 3 }),
      'block',
      [],
    ],
    [
      'names a budget that has too few healthy pods to let any go',
      budget({ currentHealthy: 0, desiredHealthy: 1, expectedPods: 2 }),
      'block',
      ['budgets/BudgetUnhealthy/block'],
    ],
    [
      'leaves a budget without pods alone',
      budget({ expectedPods: 0, currentHealthy: 0, desiredHealthy: 0 }),
      'block',
      [],
    ],
    ['leaves a budget alone of which a drain would evict no pod', budget({ nodes: [] }), 'block', []],
    [
      'names two budgets over one pod once, which the API never evicts',
      {
        budgets: known([
          { ...BUDGET, disruptionsAllowed: 1, nodes: ['worker-1'], overlaps: ['all'] },
          { ...BUDGET, name: 'all', disruptionsAllowed: 1, nodes: ['worker-1'], overlaps: ['web'] },
        ]),
      },
      'block',
      ['budgets/BudgetsOverlap/block'],
    ],
    ['says when the budgets could not be read', { budgets: unknown('forbidden') }, 'block', ['budgets/Unknown/block']],
  ])('%s', (_title, facts, severity, want) => {
    expect(findings(facts, '1.36.4', { budgets: { severity, policies: [] } })).toEqual(want);
  });

  it.each([
    ['delete-after', 'web', []],
    ['restart-owner', '', []],
    ['give-up', 'web', ['budgets/BudgetNeverAllows/block']],
    ['wait', '', ['budgets/BudgetNeverAllows/block']],
    ['delete-after', 'another', ['budgets/BudgetNeverAllows/block']],
  ] as const)('with the policy %s for the budget "%s" has %j to say', (action, name, want) => {
    const policies = [{ namespace: 'shop', budget: name, action, afterSeconds: 600 }];
    expect(findings(budget({}), '1.36.4', { budgets: { severity: 'block', policies } })).toEqual(want);
  });

  it('D07 names the nodes whose drain a budget holds', () => {
    const facts = exampleFacts(budget({ nodes: ['worker-1', 'worker-2'] }));
    const [finding] = evaluateGate(facts, '1.36.4', preflightChecks, exampleOptions()).findings;
    expect(finding?.message).toMatch(/^PodDisruptionBudget shop\/web can never allow .* it holds worker-1, worker-2$/);
  });
});
