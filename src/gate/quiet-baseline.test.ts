import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, unknown } from '../observed.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import { quietBaseline } from './quiet-baseline.ts';

const JUST_NOW = '2026-11-21T06:06:00Z';

/** Observed at 06:07:00, on the way from 1.36.3 to 1.36.4. */
function gate(fields: Partial<NodeFact>, name = 'worker-1', settleSeconds = 600, observedAt = '2026-11-21T06:07:00Z') {
  const facts = exampleFacts({ observedAt, nodes: known([exampleNode(name, fields)]) });
  return evaluateGate(facts, '1.36.4', [quietBaseline], exampleOptions({ quiet: { settleSeconds } })).findings;
}

describe('quiet-baseline', () => {
  it.each([
    ['60 s ago', JUST_NOW],
    ['599 s ago', '2026-11-21T05:57:01Z'],
    ['599 s ago', '2026-11-21T05:57:00.001Z'],
    ['0 s ago', '2026-11-21T06:07:00Z'],
    ['1 s in the future', '2026-11-21T06:07:01Z'],
    ['60 s ago', '2026-11-21T07:06:00+01:00'],
  ])('refuses a node that changed %s (%s)', (ago, readySince) => {
    expect(gate({ readySince })).toEqual([
      {
        check: 'quiet-baseline',
        reason: 'NodeNotSettled',
        class: 'actionable',
        severity: 'block',
        message: `node worker-1 last changed its condition Ready ${ago}; 600 s of quiet are required`,
        remedy: 'Wait, or find out why it changed; the next run looks again.',
      },
    ]);
  });

  it.each(['2026-11-21T05:57:00Z', '2026-11-21T05:56:59Z', '2026-11-01T00:00:00Z'])(
    'accepts a node that changed at %s, ten minutes ago or more',
    (readySince) => {
      expect(gate({ readySince })).toEqual([]);
    },
  );

  it('asks for as much quiet as the settings do', () => {
    expect(gate({ readySince: JUST_NOW }, 'worker-1', 60)).toEqual([]);
    expect(gate({ readySince: JUST_NOW }, 'worker-1', 61)).toHaveLength(1);
  });

  it.each<[string, Partial<NodeFact>, string]>([
    ['whose kubelet has the target', { kubelet: '1.36.4' }, 'worker-1'],
    ['whose kubelet is beyond the target', { kubelet: '1.36.5' }, 'worker-1'],
    ['that carries the cordon of the run', { cordonedBy: '1.36.4' }, 'worker-1'],
    ['whose API server has the target, and its kubelet not yet', { apiServer: '1.36.4', kubelet: '1.36.3' }, 'cp-1'],
    ['whose API server is beyond the target', { apiServer: '1.36.5', kubelet: '1.36.3' }, 'cp-1'],
  ])('I04 leaves a node alone %s', (_title, fields, name) => {
    expect(gate({ readySince: JUST_NOW, ...fields }, name)).toEqual([]);
  });

  it.each<[string, Partial<NodeFact>, string]>([
    ['a control plane whose API server and kubelet are behind', {}, 'cp-1'],
    ['a node that a person has cordoned', { schedulable: false }, 'worker-1'],
  ])('refuses %s', (_title, fields, name) => {
    expect(gate({ readySince: JUST_NOW, ...fields }, name).map(({ reason }) => reason)).toEqual(['NodeNotSettled']);
  });

  it.each([
    [null, 'the node gives no time'],
    ['', '"" is not a time'],
    ['Sat 21 Nov', '"Sat 21 Nov" is not a time'],
    ['2026-11-01', '"2026-11-01" is not a time'],
    ['2026-11-01T00:00:00', '"2026-11-01T00:00:00" is not a time'],
    ['2026-13-01T00:00:00Z', '"2026-13-01T00:00:00Z" is not a time'],
  ])('I10 does not judge by the time %j', (readySince, why) => {
    expect(gate({ readySince })).toEqual([
      {
        check: 'quiet-baseline',
        reason: 'Unknown',
        class: 'actionable',
        severity: 'block',
        message: `when node worker-1 last changed its condition Ready could not be read: ${why}`,
        remedy: 'kubectl get node worker-1 -o yaml, and look at status.conditions.',
      },
    ]);
  });

  it('does not judge when it does not know what time it is itself', () => {
    expect(gate({}, 'worker-1', 600, 'yesterday').map(({ reason }) => reason)).toEqual(['Unknown']);
  });

  it('does not judge without the nodes', () => {
    const facts = exampleFacts({ nodes: unknown('forbidden') });
    expect(evaluateGate(facts, '1.36.4', [quietBaseline], exampleOptions()).findings).toMatchObject([
      { check: 'quiet-baseline', reason: 'Unknown', message: 'the nodes could not be read: forbidden' },
    ]);
  });
});
