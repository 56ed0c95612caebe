import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
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
    ['1.38.1', '1.37.4', 'containerd://2.0.0-rc.3', 'blocked', 'RuntimeTooOld'],
    ['1.38.1', '1.37.4', 'containerd://2.0.0~rc3', 'blocked', 'RuntimeTooOld'],
    ['1.38.1', '1.37.4', 'containerd://2.0.1-rc.1', 'safe', undefined],
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

  it.each([
    ['1.25.1', 'containerd://1.0.0', []],
    ['1.26.0', 'containerd://1.6.14', ['RuntimeTooOld']],
    ['1.26.0', 'containerd://1.6.15', []],
    ['1.37.9', 'containerd://1.6.15', []],
    ['1.38.0', 'containerd://1.99.9', ['RuntimeTooOld']],
    ['1.26.0', 'cri-o://1.25.9', ['RuntimeTooOld']],
    ['1.26.0', 'cri-o://1.26.0', []],
    ['1.38.0', 'cri-o://1.28.0', []],
  ])('has for %s with %s the findings %j, inside a minor', (target, runtime, want) => {
    const running = `${target.split('.').slice(0, 2).join('.')}.0`;
    expect(gate(target, running, { w1: runtime }).findings.map(({ reason }) => reason)).toEqual(want);
  });

  it('names the node, its runtime, the floor and the reason for it', () => {
    const { findings } = gate('1.38.1', '1.38.0', { 'cp-1': 'containerd://2.3.0', w1: 'containerd://1.7.24' });
    expect(findings).toEqual([
      {
        check: 'container-runtime',
        reason: 'RuntimeTooOld',
        class: 'actionable',
        severity: 'block',
        message:
          'node w1 runs containerd 1.7.24; 1.38 requires 2.0.0 (RuntimeConfig, without which a kubelet from 1.38 on does not start)',
        remedy: 'Upgrade containerd on w1 to 2.0.0 or newer.',
      },
    ]);
  });

  it.each([
    'containerd://2.3.0',
    'containerd://v2.3.0',
    'containerd://12.30.10',
    'containerd://2.3.0-rc.1',
    'containerd://2.3.0+k3s1',
    'containerd://2.3.0~ds1-1+b2',
    'containerd://2.3.0-0ubuntu1~22.04.1',
    'containerd://2.3.0-',
  ])('can read %s', (runtime) => {
    expect(gate('1.36.4', '1.36.3', { w1: runtime }).findings).toEqual([]);
  });

  it.each([
    '',
    'containerd',
    'containerd:2.3.0',
    'containerd:/2.3.0',
    'containerd://',
    'containerd://2.3',
    'containerd://2.3.0.1',
    'containerd://2.3.0rc1',
    'containerd://2.3.0_1',
    'containerd://2.3.0-a_b',
    'containerd://2.3.0 (a fork)',
    'containerd://vv2.3.0',
    'containerd://x2.3.0',
    'containerd://02.3.0',
    'my containerd://2.3.0',
    'Containerd://2.3.0',
    '2containerd://2.3.0',
    '://2.3.0',
  ])('does not guess at "%s"', (runtime) => {
    expect(gate('1.36.4', '1.36.3', { w1: runtime }).findings).toEqual([
      {
        check: 'container-runtime',
        reason: 'Unknown',
        class: 'actionable',
        severity: 'block',
        message: `the container runtime of w1 could not be read: "${runtime}" is not name://version`,
        remedy: 'kubectl describe node w1, then the runtime itself on the node.',
      },
    ]);
  });

  it.each(['docker', 'my-runtime2', 'x', 'constructor'])('has no floor for a runtime called %s', (name) => {
    expect(gate('1.36.4', '1.36.3', { w1: `${name}://27.0.1` }).findings).toEqual([
      {
        check: 'container-runtime',
        reason: 'Unknown',
        class: 'actionable',
        severity: 'block',
        message: `the oldest ${name} for 1.36 could not be read: Nightlift knows containerd and cri-o only, and w1 runs ${name}://27.0.1`,
        remedy: 'Move the node to containerd or CRI-O, or upgrade this cluster by hand.',
      },
    ]);
  });

  it('D22 says that the control plane will be raised, and needs nobody for it', () => {
    const { findings } = gate('1.38.1', '1.38.0', { 'cp-1': 'containerd://1.7.24', w1: 'containerd://2.2.1' });
    expect(findings).toMatchObject([
      {
        reason: 'RuntimeTooOld',
        severity: 'warn',
        remedy: "Nothing to do: the upgrade raises it to the workers' version first.",
      },
    ]);
  });

  it.each<[string, Record<string, string>, string[]]>([
    [
      'a control plane whose workers have another runtime',
      { 'cp-1': 'containerd://1.7.24', w1: 'cri-o://1.38.0' },
      ['block RuntimeTooOld'],
    ],
    [
      'a control plane of which one worker has another runtime',
      { 'cp-1': 'containerd://1.7.24', w1: 'containerd://2.2.1', w2: 'cri-o://1.38.0' },
      ['block RuntimeTooOld'],
    ],
    [
      'a control plane of which one worker is below the floor as well',
      { 'cp-1': 'containerd://1.7.24', w1: 'containerd://2.2.1', w2: 'containerd://1.7.24' },
      ['block RuntimeTooOld', 'block RuntimeTooOld'],
    ],
    [
      'a control plane of which one worker cannot be judged',
      { 'cp-1': 'containerd://1.7.24', w1: 'containerd://2.2.1', w2: 'containerd://' },
      ['block RuntimeTooOld', 'block Unknown'],
    ],
    [
      'a worker, whatever the others have',
      { 'cp-1': 'containerd://2.2.1', w1: 'containerd://1.7.24', w2: 'containerd://2.2.1' },
      ['block RuntimeTooOld'],
    ],
    [
      'a control plane whose runtime cannot be read',
      { 'cp-1': 'containerd://', w1: 'containerd://2.2.1' },
      ['block Unknown'],
    ],
  ])('D22 does not raise %s', (_title, runtimes, want) => {
    const { findings } = gate('1.38.1', '1.38.0', runtimes);
    expect(findings.map((one) => `${one.severity} ${one.reason}`)).toEqual(want);
  });

  it.each([
    ['1.33.1', 'containerd://1.6.35', false],
    ['1.33.1', 'containerd://1.6.36', true],
    ['1.33.1', 'containerd://1.8.0', false],
    ['1.35.1', 'containerd://1.7.27', false],
    ['1.35.1', 'containerd://1.7.28', true],
    ['1.35.1', 'containerd://2.0.9', false],
    ['1.35.1', 'containerd://2.2.0', true],
    ['1.35.1', 'containerd://2.3.0', true],
    ['1.37.1', 'containerd://1.6.15', true],
  ])('knows for a jump to %s with %s whether its makers test that: %s', (target, runtime, tested) => {
    const running = `1.${Number(target.split('.')[1]) - 1}.9`;
    const { findings } = gate(target, running, { w1: runtime });
    expect(findings.map(({ reason }) => reason)).toEqual(tested ? [] : ['ContainerdUntested']);
  });

  it('says of a runtime that it cannot read nothing else, on a jump to the next minor as well', () => {
    const { findings } = gate('1.36.4', '1.35.3', { w1: 'containerd://', w2: 'containerd://2.1.5' });
    expect(findings.map(({ reason }) => reason)).toEqual(['Unknown', 'ContainerdUntested']);
  });

  it('warns of all nodes that are not tested in one finding for each runtime', () => {
    const { findings } = gate('1.36.4', '1.35.3', {
      w1: 'containerd://1.7.24',
      w2: 'cri-o://1.35.0',
      w3: 'containerd://2.3.0',
      w4: 'containerd://2.1.5',
      w5: 'cri-o://1.36.2',
      w6: 'cri-o://1.37.0',
    });
    const finding = { check: 'container-runtime', class: 'actionable', severity: 'warn' };
    expect(findings).toEqual([
      {
        ...finding,
        reason: 'ContainerdUntested',
        message: 'containerd is tested with 1.36 from 2.2.0, 2.3.0 on; older: w1 (1.7.24), w4 (2.1.5)',
        remedy: 'Upgrade containerd on these nodes soon.',
      },
      {
        ...finding,
        reason: 'CrioOtherMinor',
        message: 'CRI-O should have the minor of Kubernetes, 1.36; another one: w2 (1.35.0), w6 (1.37.0)',
        remedy: 'Upgrade CRI-O to 1.36 on these nodes after the upgrade.',
      },
    ]);
  });

  it.each<[string, Partial<Facts>, string, string[]]>([
    ['a minor', {}, '1.36.4', ['ContainerdUntested']],
    ['a patch', {}, '1.35.9', []],
    ['no jump', {}, '1.35.3', []],
    [
      'a jump that is not known',
      { nodes: known([exampleNode('cp-1', { containerRuntime: 'containerd://1.7.24', apiServer: null })]) },
      '1.36.4',
      ['ContainerdUntested'],
    ],
  ])('looks at what is tested for %s', (_title, fields, target, want) => {
    const nodes = known([exampleNode('cp-1', { containerRuntime: 'containerd://1.7.24', kubelet: '1.35.3' })]);
    const facts = exampleFacts({ nodes, ...fields }, '1.35.3');
    const { findings } = evaluateGate(facts, target, [containerRuntime], exampleOptions());
    expect(findings.map(({ reason }) => reason)).toEqual(want);
  });

  it('does not judge without the nodes', () => {
    const facts = exampleFacts({ nodes: unknown('forbidden') });
    expect(evaluateGate(facts, '1.36.4', [containerRuntime], exampleOptions()).findings).toEqual([
      {
        check: 'container-runtime',
        reason: 'Unknown',
        class: 'actionable',
        severity: 'block',
        message: 'the container runtimes could not be read: forbidden',
        remedy: 'Look at kubectl get nodes -o wide.',
      },
    ]);
  });
});
