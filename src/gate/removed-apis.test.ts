import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { DeprecatedApiFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { removedApis } from './removed-apis.ts';

function gate(api: Partial<DeprecatedApiFact>, target: string, running = '1.36.3') {
  const deprecatedApis = known([
    { group: 'acme.io', version: 'v1beta1', resource: 'things', removedRelease: '', ...api },
  ]);
  return evaluateGate(exampleFacts({ deprecatedApis }, running), target, [removedApis], exampleOptions());
}

describe('removed-apis', () => {
  it.each([
    [{ removedRelease: '1.37' }, '1.37.1', 'blocked'],
    [{ removedRelease: '1.36' }, '1.37.1', 'safe'],
    [{ removedRelease: '1.25' }, '1.37.1', 'safe'],
    [{ removedRelease: '2.0' }, '2.0.0', 'blocked'],
    [{ removedRelease: '2.0' }, '1.37.1', 'safe'],
    [{ removedRelease: '1.38' }, '1.37.1', 'safe'],
    [{ removedRelease: '' }, '1.37.1', 'safe'],
    [{ removedRelease: 'soon' }, '1.37.1', 'blocked'],
    [{ removedRelease: '1.36' }, '1.36.4', 'safe'],
    [{ group: 'networking.k8s.io', resource: 'servicecidrs', removedRelease: '' }, '1.37.1', 'blocked'],
  ])('judges %j for %s as %s', (api, target, verdict) => {
    expect(gate(api, target).verdict).toBe(verdict);
  });

  it('names the API, the minor that drops it and what to use', () => {
    const api = {
      group: 'flowcontrol.apiserver.k8s.io',
      version: 'v1beta3',
      resource: 'flowschemas',
      removedRelease: '1.32',
    };
    const [finding] = gate(api, '1.32.1', '1.31.5').findings;
    expect(finding?.message).toBe(
      'flowcontrol.apiserver.k8s.io/v1beta3 flowschemas is in use and removed in 1.32; the target is 1.32.1',
    );
    expect(finding?.remedy).toContain('flowcontrol.apiserver.k8s.io/v1;');
  });

  const AUDIT = '; the audit log of the API servers and the managedFields of the objects name them.';
  it.each<[string, Partial<DeprecatedApiFact>, string, string]>([
    [
      'an API of the core group by its version and resource',
      { group: '', version: 'v1', resource: 'componentstatuses', removedRelease: '1.37' },
      'v1 componentstatuses is in use and removed in 1.37; the target is 1.37.1',
      `Migrate its callers to a version that kubectl api-resources shows, or stop them${AUDIT}`,
    ],
    [
      'a removal that only the table knows, without a successor',
      { group: 'networking.k8s.io', version: 'v1beta1', resource: 'servicecidrs' },
      'networking.k8s.io/v1beta1 servicecidrs is in use and removed in 1.37; the target is 1.37.1',
      `Migrate its callers to a version that kubectl api-resources shows, or stop them${AUDIT}`,
    ],
    [
      'the earlier removal, when the API server says a later one than the table',
      { group: 'networking.k8s.io', version: 'v1beta1', resource: 'servicecidrs', removedRelease: '1.38' },
      'networking.k8s.io/v1beta1 servicecidrs is in use and removed in 1.37; the target is 1.37.1',
      `Migrate its callers to a version that kubectl api-resources shows, or stop them${AUDIT}`,
    ],
    [
      'the earlier removal, when the table says a later one than the API server',
      {
        group: 'certificates.k8s.io',
        version: 'v1beta1',
        resource: 'podcertificaterequests',
        removedRelease: '1.37',
      },
      'certificates.k8s.io/v1beta1 podcertificaterequests is in use and removed in 1.37; the target is 1.37.1',
      `Migrate its callers to certificates.k8s.io/v1${AUDIT}`,
    ],
  ])('names %s', (_title, api, message, remedy) => {
    expect(gate(api, '1.37.1').findings).toEqual([
      {
        check: 'removed-apis',
        reason: 'RemovedApiInUse',
        class: 'actionable',
        subject: message.split(' is in use')[0],
        severity: 'block',
        message,
        remedy,
      },
    ]);
  });

  it('does not take a removal that it cannot read for none', () => {
    expect(gate({ removedRelease: 'soon' }, '1.37.1').findings).toEqual([
      {
        check: 'removed-apis',
        reason: 'Unknown',
        class: 'actionable',
        severity: 'block',
        message: 'the removal of acme.io/v1beta1 things, which is in use, could not be read: removed_release is "soon"',
        remedy: 'See which minor drops it: kubernetes.io/docs/reference/using-api/deprecation-guide.',
      },
    ]);
  });

  it('has nothing to say inside a minor, whose API server has dropped it already', () => {
    expect(gate({ removedRelease: '1.36' }, '1.36.4').findings).toEqual([]);
    expect(gate({ removedRelease: 'soon' }, '1.36.4').findings).toEqual([]);
  });

  it('judges each API that is in use by itself', () => {
    const api = (resource: string, removedRelease: string): DeprecatedApiFact => ({
      group: 'acme.io',
      version: 'v1',
      resource,
      removedRelease,
    });
    const deprecatedApis = known([api('a', '1.37'), api('b', '1.38'), api('c', '1.36'), api('d', '1.37')]);
    const { findings } = evaluateGate(exampleFacts({ deprecatedApis }), '1.37.1', [removedApis], exampleOptions());
    expect(findings.map(({ message }) => message.split(' is ')[0])).toEqual(['acme.io/v1 a', 'acme.io/v1 d']);
  });

  it('counts of the look-back only what the oldest API server still serves', () => {
    const api = { group: 'flowcontrol.apiserver.k8s.io', version: 'v1beta3', resource: 'flowschemas' };
    expect(gate({ ...api, removedRelease: '1.32' }, '1.33.2', '1.32.6').findings).toEqual([]);
    expect(gate({ ...api, removedRelease: '' }, '1.33.2', '1.32.6').findings).toEqual([]);
    const halfDone = exampleFacts({
      deprecatedApis: known([{ ...api, removedRelease: '1.32' }]),
      nodes: known([exampleNode('cp-1', { kubelet: '1.32.6' }), exampleNode('cp-2', { kubelet: '1.31.9' })]),
      apiServer: known('1.32.6'),
    });
    const [finding] = evaluateGate(halfDone, '1.32.6', [removedApis], exampleOptions()).findings;
    expect(finding?.reason).toBe('RemovedApiInUse');
  });

  it('judges also where the running minor is not known', () => {
    const deprecatedApis = known([{ group: 'acme.io', version: 'v1', resource: 'things', removedRelease: '1.36' }]);
    const facts = exampleFacts({ deprecatedApis, nodes: unknown('forbidden') });
    expect(evaluateGate(facts, '1.36.4', [removedApis], exampleOptions()).verdict).toBe('blocked');
  });

  it('judges a jump by the oldest API server, as long as one is on the minor before', () => {
    const deprecatedApis = known([{ group: 'acme.io', version: 'v1', resource: 'things', removedRelease: '1.37' }]);
    const nodes = known([exampleNode('cp-1', { kubelet: '1.37.1' }), exampleNode('cp-2', { kubelet: '1.36.3' })]);
    const facts = exampleFacts({ deprecatedApis, nodes, apiServer: known('1.37.1') });
    expect(evaluateGate(facts, '1.37.1', [removedApis], exampleOptions()).verdict).toBe('blocked');
  });

  it('D09 takes what Prometheus cannot have seen for unknown, beside what it has seen', () => {
    const apiServerMetrics = known({ lookbackHours: 168, instances: [] });
    const deprecatedApis = known([{ group: '', version: 'v1', resource: 'things', removedRelease: '1.37' }]);
    const facts = exampleFacts({ deprecatedApis, apiServerMetrics });
    for (const required of [true, false]) {
      const options = exampleOptions({ alerts: { ...exampleOptions().alerts, required } });
      expect(evaluateGate(facts, '1.37.1', [removedApis], options).findings).toMatchObject([
        { reason: 'RemovedApiInUse' },
        {
          reason: 'Unknown',
          class: 'actionable',
          severity: 'block',
          message: 'the use of deprecated APIs could not be read: Prometheus has metrics of 0 of the 1 API servers',
        },
      ]);
      // Inside a minor nothing is removed, so nothing needs to be seen.
      expect(evaluateGate(facts, '1.36.4', [removedApis], options).findings).toEqual([]);
    }
  });

  it('D09 takes no data for unknown, and unknown for a block', () => {
    const facts = exampleFacts({ deprecatedApis: unknown('no such metric') });
    for (const target of ['1.36.4', '1.37.1'])
      expect(evaluateGate(facts, target, [removedApis], exampleOptions()).verdict).toBe('blocked');
  });

  it('lets a cluster that has said that it has no Prometheus take patches only', () => {
    const facts = exampleFacts({ deprecatedApis: unknown('no Prometheus') });
    const options = exampleOptions({ alerts: { ...exampleOptions().alerts, required: false } });
    expect(evaluateGate(facts, '1.36.4', [removedApis], options).verdict).toBe('safe');
    expect(evaluateGate(facts, '1.37.1', [removedApis], options).verdict).toBe('blocked');
    const blind = { ...facts, nodes: unknown<never>('forbidden') };
    expect(evaluateGate(blind, '1.36.4', [removedApis], options).verdict).toBe('blocked');
  });

  it('says what it needs, and only warns of it where a patch may go on without', () => {
    const facts = exampleFacts({ deprecatedApis: unknown('no Prometheus') });
    const options = exampleOptions({ alerts: { ...exampleOptions().alerts, required: false } });
    const finding = {
      check: 'removed-apis',
      reason: 'Unknown',
      class: 'actionable',
      message: 'the use of deprecated APIs could not be read: no Prometheus',
      remedy: 'Let Prometheus scrape apiserver_requested_deprecated_apis of all API servers (`alerts.prometheusUrl`).',
    };
    expect(evaluateGate(facts, '1.36.4', [removedApis], options).findings).toEqual([{ ...finding, severity: 'warn' }]);
    expect(evaluateGate(facts, '1.37.1', [removedApis], options).findings).toEqual([{ ...finding, severity: 'block' }]);
  });
});
