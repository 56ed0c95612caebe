import { describe, expect, it } from 'vitest';
import { surveyFindings } from '../../test/support/survey-findings.ts';
import { kubeadmPatches } from './kubeadm-patches.ts';

const PATCH = '/etc/kubernetes/patches/kubeletconfiguration.yaml';

describe('kubeadm-patches', () => {
  it.each<[string, readonly string[], string, number]>([
    ['there are none', [], '', 0],
    ['there are, and the setting is empty', [PATCH], '', 1],
    ['there are, where the setting says', [PATCH], '/etc/kubernetes/patches/', 0],
    ['there are, beside where the setting says', [PATCH], '/etc/kubernetes/patch', 1],
  ])('when %s', (_name, patches, patchesDirectory, count) => {
    const findings = surveyFindings(kubeadmPatches, {
      surveys: { 'worker-2': { patches: [...patches] } },
      options: { kubeadm: { patchesDirectory, ignorePreflightErrors: [] } },
    });
    expect(findings).toHaveLength(count);
    for (const { severity, message } of findings) {
      expect(severity).toBe('warn');
      expect(message).toContain(`: worker-2 (${PATCH})`);
    }
  });
});
