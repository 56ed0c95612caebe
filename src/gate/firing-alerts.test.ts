import { describe, expect, it } from 'vitest';
import { exampleAlert, exampleFacts } from '../facts/example-facts.ts';
import type { AlertFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { describeAlert, firingAlerts, haltingAlerts } from './firing-alerts.ts';
import type { GateOptions } from './gate-options.ts';

type AlertOptions = GateOptions['alerts'];

const withOptions = (fields: Partial<AlertOptions>): AlertOptions => ({ ...exampleOptions().alerts, ...fields });
const halting = (alerts: readonly AlertFact[], fields: Partial<AlertOptions> = {}): string[] =>
  haltingAlerts(alerts, withOptions(fields)).map(({ name }) => name);

describe('the alerts that halt an upgrade', () => {
  it('are all that fire with a severity of the settings', () => {
    const alerts = [
      exampleAlert('NodeDown'),
      exampleAlert('EtcdSlow', { severity: 'page' }),
      exampleAlert('DiskFull', { severity: 'warning' }),
      exampleAlert('Nameless', { severity: '' }),
      exampleAlert('Soon', { state: 'pending' }),
    ];
    expect(halting(alerts)).toEqual(['NodeDown']);
    expect(halting(alerts, { severities: ['critical', 'page'] })).toEqual(['NodeDown', 'EtcdSlow']);
    expect(halting(alerts, { severities: [] })).toEqual([]);
  });

  it.each([
    'K8sVersionSkew',
    'EtcdPreUpgradeSnapshotMissing',
    'K8sUpgradeStalled',
    'K8sUpgradeChainJobFailed',
    'K8sUpgradeBlocked',
    'K8sUpgradeInProgress',
    'Watchdog',
    'InfoInhibitor',
  ])('I21 are never %s', (name) => {
    expect(halting([exampleAlert(name), exampleAlert(`${name}Too`)])).toEqual([`${name}Too`]);
  });

  it('I04 are not those that a run causes itself, once it has begun', () => {
    const alerts = [exampleAlert('RecentNodeReboot'), exampleAlert('NodeDown')];
    expect(halting(alerts, { duringRun: false })).toEqual(['RecentNodeReboot', 'NodeDown']);
    expect(halting(alerts, { duringRun: true })).toEqual(['NodeDown']);
    expect(halting(alerts, { duringRun: true, selfInflicted: [] })).toEqual(['RecentNodeReboot', 'NodeDown']);
  });

  it.each<[string[], string[]]>([
    [[], ['EtcdSlow', 'EtcdSlower', 'MyEtcdSlow']],
    [['EtcdSlow'], ['EtcdSlower', 'MyEtcdSlow']],
    [['Etcd.*'], ['MyEtcdSlow']],
    [['.*Slow'], ['EtcdSlower']],
    [['EtcdSlow|MyEtcdSlow'], ['EtcdSlower']],
    [['NodeDown', '.*Etcd.*'], []],
  ])('are not those whose whole name an expression in %j says', (ignore, want) => {
    expect(
      halting([exampleAlert('EtcdSlow'), exampleAlert('EtcdSlower'), exampleAlert('MyEtcdSlow')], { ignore }),
    ).toEqual(want);
  });

  it('cannot be told with an ignore that is no expression, even while nothing fires', () => {
    expect(() => haltingAlerts([], withOptions({ ignore: ['NodeDown', '('] }))).toThrow(
      expect.objectContaining({
        kind: 'config',
        message: expect.stringMatching(/^reading alerts\.ignore: "\(" is not a regular expression: ./) as string,
        remedy: 'Mend it in the settings: a plain alert name is a valid expression.',
      }) as Error,
    );
  });
});

describe('firing-alerts', () => {
  it('names each alert that halts, and the severities that may not fire', () => {
    const facts = exampleFacts({
      alerts: known([exampleAlert('NodeDown', { summary: 'w1 is gone' }), exampleAlert('EtcdSlow')]),
    });
    const options = exampleOptions({ alerts: withOptions({ severities: ['critical', 'page'] }) });
    const finding = (name: string) => ({
      check: 'firing-alerts',
      reason: 'AlertFiring',
      class: 'actionable',
      severity: 'block',
      message: `alert ${name} is firing, and none of severity critical or page may be`,
      remedy: 'Clear it, or add its name to `alerts.ignore` when it says nothing about an upgrade.',
    });
    expect(evaluateGate(facts, '1.36.4', [firingAlerts], options).findings).toEqual([
      finding('NodeDown (critical): w1 is gone'),
      finding('EtcdSlow (critical)'),
    ]);
  });

  it.each([
    [true, 'block'],
    [false, 'warn'],
  ])('D01 takes silence for no health: required %s is a %s', (required, severity) => {
    const facts = exampleFacts({ alerts: unknown('connection refused') });
    const options = exampleOptions({ alerts: withOptions({ required }) });
    expect(evaluateGate(facts, '1.36.4', [firingAlerts], options).findings).toEqual([
      {
        check: 'firing-alerts',
        reason: 'Unknown',
        class: 'actionable',
        severity,
        message: 'the firing alerts could not be read: connection refused',
        remedy:
          'Mend the way to Prometheus (`alerts.prometheusUrl`), or what it scrapes, or its rules; or set `alerts.required: false` to go on without.',
      },
    ]);
  });
});

describe('the description of an alert', () => {
  it.each<[Partial<AlertFact>, string]>([
    [{}, 'NodeDown (critical)'],
    [{ severity: 'page', labels: { job: 'node' } }, 'NodeDown (page)'],
    [{ labels: { pod: 'web-1' } }, 'NodeDown (critical, pod=web-1)'],
    [{ labels: { namespace: 'shop', instance: 'w1:9100' } }, 'NodeDown (critical, instance=w1:9100, namespace=shop)'],
    [
      { labels: { pod: 'web-1', namespace: 'shop', instance: 'w1:9100', node: 'w1' } },
      'NodeDown (critical, node=w1, instance=w1:9100)',
    ],
    [{ activeSince: '2026-11-21T05:00:00Z' }, 'NodeDown (critical, since 2026-11-21T05:00:00Z)'],
    [{ summary: 'it is gone' }, 'NodeDown (critical): it is gone'],
    [
      { labels: { node: 'w1' }, activeSince: '2026-11-21T05:00:00Z', summary: 'it is gone' },
      'NodeDown (critical, node=w1, since 2026-11-21T05:00:00Z): it is gone',
    ],
  ])('of %j is %s', (fields, want) => {
    expect(describeAlert(exampleAlert('NodeDown', fields))).toBe(want);
  });
});
