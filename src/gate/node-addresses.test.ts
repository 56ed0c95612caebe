import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, unknown } from '../observed.ts';
import { preflightChecks } from './checks.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { nodeAddresses } from './node-addresses.ts';

function findings(...nodes: readonly NodeFact[]) {
  return evaluateGate(exampleFacts({ nodes: known([...nodes]) }), '1.36.4', [nodeAddresses], exampleOptions()).findings;
}

describe('node-addresses', () => {
  it('finds nothing where every node has an address of its own, or none', () => {
    const nodes = [
      exampleNode('cp-1', { internalIp: '192.0.2.1' }),
      exampleNode('w1', { internalIp: '192.0.2.11' }),
      exampleNode('w2', { internalIp: null }),
      exampleNode('w3', { internalIp: null }),
    ];
    expect(findings(...nodes)).toEqual([]);
  });

  it('refuses a node that names the address of another, and names both', () => {
    const nodes = ['cp-1', 'w1', 'w2'].map((name) =>
      exampleNode(name, { internalIp: name === 'w2' ? '2001:db8::12' : '192.0.2.1' }),
    );
    expect(findings(...nodes)).toEqual([
      expect.objectContaining({
        check: 'node-addresses',
        reason: 'AddressShared',
        class: 'actionable',
        severity: 'block',
        message: expect.stringContaining('the nodes cp-1, w1 have one InternalIP, 192.0.2.1') as string,
      }),
    ]);
  });

  it('blocks when the nodes are not known', () => {
    const facts = exampleFacts({ nodes: unknown('no answer') });
    expect(evaluateGate(facts, '1.36.4', [nodeAddresses], exampleOptions())).toMatchObject({
      verdict: 'blocked',
      findings: [{ reason: 'Unknown' }],
    });
  });

  it('is asked before the first change', () => {
    expect(preflightChecks).toContain(nodeAddresses);
  });
});
