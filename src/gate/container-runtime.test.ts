import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import { known } from '../observed.ts';
import { containerRuntime } from './container-runtime.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';

function gate(target: string, running: string, runtimes: Record<string, string>, raiseControlPlane = true) {
  const nodes = Object.entries(runtimes).map(([name, containerRuntime]) =>
    exampleNode(name, { containerRuntime, kubelet: running }),
  );
  return evaluateGate(
    exampleFacts({ nodes: known(nodes) }, running),
    target,
    [containerRuntime],
    exampleOptions({ runtime: { raiseControlPlane } }),
  );
}

describe('container-runtime', () => {
  it.each([
    ['1.36.4', '1.36.3', 'containerd://1.7.24', 'safe', undefined],
    ['1.37.1', '1.36.4', 'containerd://2.2.1', 'safe', undefined],
    ['1.37.1', '1.36.4', 'containerd://1.7.24', 'safe', undefined],
    ['1.38.1', '1.37.4', 'containerd://1.7.24', 'blocked', 'RuntimeTooOld'],
    ['1.38.1', '1.37.4', 'containerd://2.0.0', 'safe', undefined],
    ['1.41.1', '1.40.4', 'containerd://1.7.24', 'blocked', 'RuntimeTooOld'],
    ['1.36.4', '1.36.3', 'containerd://1.5.9', 'blocked', 'RuntimeTooOld'],
    ['1.36.4', '1.35.3', 'containerd://1.7.24-0ubuntu1~22.04.1', 'safe', 'ContainerdUntested'],
    ['1.36.4', '1.35.3', 'containerd://2.1.5', 'safe', 'ContainerdUntested'],
    ['1.36.4', '1.35.3', 'containerd://v2.4.0', 'safe', undefined],
    ['1.36.4', '1.35.3', 'cri-o://1.36.1', 'safe', undefined],
    ['1.36.4', '1.35.3', 'cri-o://1.35.0', 'safe', 'CrioOtherMinor'],
    ['1.36.4', '1.36.3', 'cri-o://1.35.0', 'safe', undefined],
    ['1.38.1', '1.37.3', 'cri-o://1.27.0', 'blocked', 'RuntimeTooOld'],
    ['1.36.4', '1.35.3', 'docker://27.0.1', 'blocked', 'Unknown'],
    ['1.36.4', '1.36.3', 'containerd://', 'blocked', 'Unknown'],
    ['1.36.4', '1.36.3', '', 'blocked', 'Unknown'],
    ['1.36.4', '1.36.3', 'containerd://Unknown', 'blocked', 'Unknown'],
  ])('D10 lets %s from %s with %s be %s (%s)', (target, running, runtime, verdict, reason) => {
    const result = gate(target, running, { 'cp-1': 'containerd://2.3.0', 'worker-1': runtime });
    expect(result.verdict).toBe(verdict);
    expect(result.findings[0]?.reason).toBe(reason);
  });

  it('D22 only warns about a control plane that the upgrade raises to the workers', () => {
    const runtimes = { 'cp-1': 'containerd://1.7.24', 'worker-1': 'containerd://2.2.1' };
    expect(gate('1.38.1', '1.37.4', runtimes)).toMatchObject({
      verdict: 'safe',
      findings: [{ severity: 'warn', reason: 'RuntimeTooOld' }],
    });
    expect(gate('1.38.1', '1.37.4', runtimes, false).verdict).toBe('blocked');
    expect(gate('1.38.1', '1.37.4', { ...runtimes, 'worker-2': 'containerd://1.7.0' }).verdict).toBe('blocked');
    expect(gate('1.38.1', '1.37.4', { 'cp-1': 'containerd://1.7.24' }).verdict).toBe('blocked');
  });
});
