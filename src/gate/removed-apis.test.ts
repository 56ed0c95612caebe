import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
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
    [{ removedRelease: '1.25' }, '1.37.1', 'blocked'],
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
  });
});
