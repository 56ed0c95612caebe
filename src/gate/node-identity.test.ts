import { describe, expect, it } from 'vitest';
import { surveyMessages } from '../../test/support/survey-findings.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import { unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { nodeIdentity } from './node-identity.ts';

const id = (machineId: string) => ({ machineId });

describe('node-identity', () => {
  it('has nothing to say of machines with an id of their own, or none', () => {
    expect(
      surveyMessages(nodeIdentity, { nodes: { 'worker-1': id('a'), 'worker-2': id('b'), 'worker-3': id('') } }),
    ).toEqual([]);
  });

  it('refuses nodes that share one, also when one of them is upgraded already', () => {
    expect(
      surveyMessages(nodeIdentity, {
        nodes: { 'worker-1': { ...id('a'), kubelet: '1.36.4' }, 'worker-2': id('a'), 'worker-3': id('b') },
      }),
    ).toEqual([
      'MachineIdShared/block: nodes with the same machine-id, so that one cannot be told from the other: worker-1, worker-2 (each: a)',
    ]);
  });

  it('leaves it to node-survey to say that there is no list of nodes', () => {
    const facts = exampleFacts({ nodes: unknown('forbidden') });
    expect(evaluateGate(facts, '1.36.4', [nodeIdentity], exampleOptions()).findings).toEqual([]);
  });
});
