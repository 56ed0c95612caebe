import { describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../test/support/clusters.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { versionSkew } from './version-skew.ts';

function gate(facts: Partial<Facts>, target: string) {
  return evaluateGate(exampleFacts(facts), target, [versionSkew], exampleOptions()).findings;
}

const cluster = (apiServer: string, ...nodes: NodeFact[]): Partial<Facts> => ({
  apiServer: known(apiServer),
  nodes: known(nodes),
});

describe('version-skew', () => {
  it.each<[string, Partial<Facts>, string, string[]]>([
    [
      'allows a kubelet three minors below the target, whatever its patch',
      cluster('1.36.3', controlPlane('cp-1'), worker('w1', '1.34.0')),
      '1.37.1',
      [],
    ],
    [
      'names each kubelet that would be four minors below the target, and the minor that it needs',
      cluster('1.36.3', controlPlane('cp-1'), worker('w1', '1.33.9'), worker('w2', '1.33.0')),
      '1.37.1',
      [
        'block KubeletTooOld: the kubelet of w1 has 1.33.9, 4 minors below 1.37.1; 3 are allowed. Upgrade w1 to at least 1.36 first.',
        'block KubeletTooOld: the kubelet of w2 has 1.33.0, 4 minors below 1.37.1; 3 are allowed. Upgrade w2 to at least 1.36 first.',
      ],
    ],
    [
      'counts the nodes that are left out: the API servers must not leave them behind',
      {
        ...cluster('1.36.3', controlPlane('cp-1')),
        otherNodes: known([
          { name: 'win-1', kubelet: 'v1.33.4', why: 'it runs Windows' },
          { name: 'edge', kubelet: 'v1.34.0+k3s1', why: 'x' },
          { name: 'odd', kubelet: '', why: 'x' },
        ]),
      },
      '1.37.1',
      [
        'block KubeletTooOld: the kubelet of win-1, which is left out (it runs Windows), has v1.33.4, 4 minors below 1.37.1; 3 are allowed. Upgrade win-1 in its own way first, or remove it.',
      ],
    ],
    [
      'is not sure of what is left out when nobody could look',
      { ...cluster('1.36.3', controlPlane('cp-1')), otherNodes: unknown('forbidden') },
      '1.36.4',
      ['block Unknown: the nodes that are left out could not be read: forbidden. Look at kubectl get nodes.'],
    ],
    [
      'warns of a kubelet that is only a patch ahead of the API server',
      cluster('1.36.3', controlPlane('cp-1'), worker('w1', '1.36.5')),
      '1.36.4',
      [
        'warn KubeletAhead: the kubelet of w1 has 1.36.5, newer than an API server with 1.36.3. Nothing to do: the upgrade of the control planes ends it.',
      ],
    ],
    [
      'warns of a kubelet that is on the next minor already, when that is the target',
      cluster('1.36.3', controlPlane('cp-1'), worker('w1', '1.37.1')),
      '1.37.1',
      [
        'warn KubeletAhead: the kubelet of w1 has 1.37.1, newer than an API server with 1.36.3. Nothing to do: the upgrade of the control planes ends it.',
      ],
    ],
    [
      'refuses a kubelet of the next minor that is not the target',
      cluster('1.36.3', controlPlane('cp-1'), worker('w1', '1.37.0')),
      '1.37.1',
      [
        'block KubeletTooNew: the kubelet of w1 has 1.37.0, newer than an API server with 1.36.3. Upgrade the control planes to the minor of that kubelet first, or downgrade the kubelet.',
      ],
    ],
    [
      'D19 allows the kubelet of an upgraded control plane beside one that is not yet',
      cluster('1.36.3', controlPlane('cp-1', '1.37.0'), controlPlane('cp-2')),
      '1.37.1',
      [],
    ],
    [
      'D19 allows such a kubelet when it is behind its own API server',
      cluster('1.36.3', controlPlane('cp-1', '1.37.1', { kubelet: '1.37.0' }), controlPlane('cp-2')),
      '1.37.1',
      [],
    ],
    [
      'refuses the kubelet of a control plane that is ahead of its own API server',
      cluster('1.36.3', controlPlane('cp-1', '1.36.4', { kubelet: '1.37.0' }), controlPlane('cp-2')),
      '1.37.1',
      [
        'block KubeletTooNew: the kubelet of cp-1 has 1.37.0, newer than an API server with 1.36.3. Upgrade the control planes to the minor of that kubelet first, or downgrade the kubelet.',
      ],
    ],
    [
      'refuses API servers two minors apart, and sends the older ones first',
      cluster('1.35.3', controlPlane('cp-1', '1.37.1'), controlPlane('cp-2', '1.35.3')),
      '1.36.4',
      [
        'block ApiServerSkew: the API servers run 1.35.3 and 1.37.1; they must be within one minor. Upgrade the control plane with 1.35.3 first.',
      ],
    ],
    [
      'D03 refuses a target below the API server',
      cluster('1.36.3', controlPlane('cp-1')),
      '1.36.2',
      [
        'block IllegalJump: 1.36.2 cannot be reached from an API server with 1.36.3: 1.36.2 is lower than the running 1.36.3; kubeadm does not downgrade. `nightlift plan` shows the possible targets.',
      ],
    ],
    [
      'finishes a half-done upgrade, whose API servers are on the target already',
      cluster('1.36.4', controlPlane('cp-1', '1.36.4'), worker('w1')),
      '1.36.4',
      [],
    ],
    [
      'judges the jump from the oldest API server, not from the one that answered',
      cluster('1.37.1', controlPlane('cp-1', '1.37.1'), controlPlane('cp-2', '1.36.3')),
      '1.38.0',
      [
        'block IllegalJump: 1.38.0 cannot be reached from an API server with 1.36.3: 1.38.0 is 2 minors above the running 1.36.3; kubeadm goes one minor at a time, 1.37 comes next. `nightlift plan` shows the possible targets.',
      ],
    ],
    [
      'does not judge without the answer of the endpoint',
      { apiServer: unknown('connection refused') },
      '1.36.4',
      ["block Unknown: the API server's version could not be read: connection refused. Look at kubectl version."],
    ],
    [
      'does not judge without the nodes',
      { nodes: unknown('forbidden') },
      '1.36.4',
      [
        'block Unknown: the running versions could not be read: the nodes could not be read: forbidden. Look at kubectl get nodes and at the kube-apiserver pods in kube-system.',
      ],
    ],
  ])('%s', (_title, facts, target, want) => {
    const got = gate(facts, target);
    expect(got.map((one) => `${one.severity} ${one.reason}: ${one.message}. ${one.remedy}`)).toEqual(want);
    for (const one of got) expect(one).toMatchObject({ check: 'version-skew', class: 'actionable' });
  });
});
