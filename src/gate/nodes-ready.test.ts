import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { nodesReady } from './nodes-ready.ts';

function gate(nodes: Facts['nodes']): string[] {
  const { findings } = evaluateGate(exampleFacts({ nodes }), '1.36.4', [nodesReady], exampleOptions());
  for (const one of findings) expect(one).toMatchObject({ check: 'nodes-ready', class: 'actionable' });
  return findings.map((one) => `${one.severity} ${one.reason}: ${one.message}. ${one.remedy}`);
}

describe('nodes-ready', () => {
  it.each<[string, Partial<NodeFact>, string]>([
    [
      'refuses a node that is not Ready',
      { ready: 'no' },
      'block NodeNotReady: node w1 is not Ready, and every node must be Ready. kubectl describe node w1, then journalctl -u kubelet on it.',
    ],
    [
      'refuses a node that does not report',
      { ready: 'unknown' },
      'block NodeNotReady: node w1 is not reporting (Ready is Unknown), and every node must be Ready. kubectl describe node w1, then journalctl -u kubelet on it.',
    ],
    [
      'refuses a node that is not Ready and was cordoned by a person',
      { ready: 'no', schedulable: false },
      'block NodeNotReady: node w1 is not Ready, and every node must be Ready. kubectl describe node w1, then journalctl -u kubelet on it.',
    ],
    [
      'I04 only warns of the node that the interrupted run was changing',
      { ready: 'unknown', cordonedBy: '1.36.4' },
      'warn NodeNotReady: node w1 is not reporting (Ready is Unknown); the interrupted run was changing it and goes on there. If it stays so: kubectl describe node w1.',
    ],
    [
      'refuses memory pressure',
      { memoryPressure: true },
      'block MemoryPressure: node w1 has MemoryPressure, and a drain would give the others more to carry. Free memory, or move workloads away.',
    ],
    [
      'refuses disk pressure',
      { diskPressure: true },
      'block DiskPressure: node w1 has DiskPressure, and an upgrade needs room for images and packages. On w1: crictl rmi --prune, and look at /var/lib.',
    ],
    [
      'refuses pressure on the node that the interrupted run was changing',
      { memoryPressure: true, cordonedBy: '1.36.4' },
      'block MemoryPressure: node w1 has MemoryPressure, and a drain would give the others more to carry. Free memory, or move workloads away.',
    ],
    [
      'D16 refuses a node without an address',
      { internalIp: null },
      'block NoInternalIP: node w1 has no address of type InternalIP, which is the one way to reach it. Set --node-ip of the kubelet on w1.',
    ],
  ])('%s', (_title, fields, want) => {
    expect(gate(known([exampleNode('cp-1'), exampleNode('w1', fields)]))).toEqual([want]);
  });

  it('says everything that is wrong with every node', () => {
    const sick = { ready: 'no', memoryPressure: true, diskPressure: true, internalIp: null } as const;
    const reasons = gate(known([exampleNode('cp-1', sick), exampleNode('w1', { ready: 'no' })])).map(
      (line) => line.split(':')[0],
    );
    expect(reasons).toEqual([
      'block NodeNotReady',
      'block MemoryPressure',
      'block DiskPressure',
      'block NoInternalIP',
      'block NodeNotReady',
    ]);
  });

  it.each([
    [
      'could not be read',
      unknown('forbidden'),
      'block Unknown: the nodes could not be read: forbidden. Look at the API server: kubectl get nodes.',
    ],
    [
      'are none, which no cluster has',
      known([]),
      'block Unknown: the nodes could not be read: the list is empty. Check the account: kubectl auth can-i list nodes.',
    ],
  ])('refuses when the nodes %s', (_title, nodes, want) => {
    expect(gate(nodes)).toEqual([want]);
  });
});
