import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { preflightChecks } from './checks.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { kubeadmApi } from './kubeadm-api.ts';

function findings(api: Observed<string> | undefined, target: string) {
  const { kubeadmApi: _, ...rest } = exampleFacts();
  const facts = api === undefined ? rest : { ...rest, kubeadmApi: api };
  return evaluateGate(facts, target, [kubeadmApi], exampleOptions()).findings;
}

describe('kubeadm-api', () => {
  // Answers of kubeadm 1.35.8, 1.36.4 and 1.37.1 to `config validate`.
  it.each([
    ['v1beta3', '1.35.8', []],
    ['v1beta3', '1.36.4', []],
    ['v1beta3', '1.37.1', ['KubeadmApiRemoved']],
    ['v1beta3', '1.38.0', ['KubeadmApiRemoved']],
    ['v1beta4', '1.35.8', []],
    ['v1beta4', '1.37.1', []],
    ['v1beta2', '1.35.8', ['Unknown']],
    ['v1', '1.40.0', ['Unknown']],
  ])('%s with %s: %o', (version, target, reasons) => {
    const found = findings(known(`kubeadm.k8s.io/${version}`), target);
    expect(found.map(({ reason }) => reason)).toEqual(reasons);
    expect(found.every(({ severity }) => severity === 'block')).toBe(true);
  });

  it('names the ConfigMap, and the kubeadm that reads it no more, and how to migrate', () => {
    expect(findings(known('kubeadm.k8s.io/v1beta3'), '1.37.1')).toEqual([
      expect.objectContaining({
        message:
          'ConfigMap kube-system/kubeadm-config is written in kubeadm.k8s.io/v1beta3, which kubeadm 1.37 does not read',
        remedy: expect.stringContaining('kubeadm config migrate --old-config') as string,
      }),
    ]);
  });

  it('blocks what could not be read, and says nothing of facts that do not have it', () => {
    expect(findings(unknown('a timeout'), '1.36.4')).toEqual([
      expect.objectContaining({ severity: 'block', message: expect.stringContaining('a timeout') as string }),
    ]);
    expect(findings(undefined, '1.37.1')).toEqual([]);
  });

  it('is asked before the first change', () => {
    expect(preflightChecks).toContain(kubeadmApi);
  });
});
