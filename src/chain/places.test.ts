import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusters, controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { Nodes } from '../facts/nodes.ts';
import type { DrainRule } from '../gate/drain-rule.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { exampleOptions } from '../gate/example-options.ts';
import { known, unknown } from '../observed.ts';
import { placedSteps } from './placed-steps.ts';
import { places } from './places.ts';

const ALWAYS: DrainRule = { mode: 'always', raise: true };
const WITHOUT: DrainRule = { mode: 'patch-without', raise: true };

function ask(nodes: Nodes, drain: DrainRule = ALWAYS, target = TARGET) {
  const facts = exampleFacts({ nodes: known([...nodes]) });
  return evaluateGate(facts, target, [places], exampleOptions({ drain })).findings;
}

describe('placement, as a check', () => {
  const rows: { title: string; nodes: NodeFact[]; drain?: DrainRule; target?: string; said: string[] }[] = [
    { title: 'has nothing to say of a cluster with room', nodes: [controlPlane('cp1'), worker('w1')], said: [] },
    {
      title: 'I20 refuses a cluster of one node, before anything is begun',
      nodes: [controlPlane('cp1')],
      said: ['NoNodeForJob: No node can run the Job of master cp1: cp1: it is the node that is drained'],
    },
    {
      title: 'I20 refuses the minor of one node also without drains',
      nodes: [controlPlane('cp1', '1.35.8')],
      drain: WITHOUT,
      said: ['NoNodeForJob: No node can run the Job of master cp1: cp1: it is the node that is drained'],
    },
    {
      title: 'I20 refuses for a step that comes later, as the steps before it leave the cluster',
      nodes: [controlPlane('cp1', OLD, { schedulable: false }), worker('w1')],
      said: [
        'NoNodeForJob: No node can run the Job of worker w1: cp1: it is cordoned; w1: it is the node that is drained',
      ],
    },
    {
      title: 'counts on a step to bring back a node that is half-way',
      nodes: [controlPlane('cp1', OLD, { ready: 'no', unfinished: TARGET }), worker('w1')],
      said: [],
    },
    {
      title: 'counts on preflight to lift a cordon of ours',
      nodes: [controlPlane('cp1', OLD, { schedulable: false, cordonedBy: TARGET }), worker('w1')],
      said: [],
    },
    {
      title: 'says that the only node keeps its pods, and its Job',
      nodes: [controlPlane('cp1')],
      drain: WITHOUT,
      said: [
        'WithoutDrain: drain.mode is patch-without: cp1 is neither drained nor cordoned, as no other node can run the Job',
      ],
    },
    {
      title: 'says which nodes keep their pods',
      nodes: [controlPlane('cp1'), worker('w1'), worker('w2')],
      drain: WITHOUT,
      said: ['WithoutDrain: drain.mode is patch-without: cp1, w1, w2 are cordoned and not drained'],
    },
    {
      title: 'says which of them run their own Job',
      nodes: [controlPlane('cp1'), worker('w1', OLD, { taints: [{ key: 'gpu', effect: 'NoSchedule' }] })],
      drain: WITHOUT,
      said: [
        'WithoutDrain: drain.mode is patch-without: cp1, w1 are not drained, and cp1 not cordoned either, as no other node can run the Job',
      ],
    },
    {
      title: 'has nothing to say where everything is drained all the same',
      nodes: [controlPlane('cp1', '1.35.8'), worker('w1', '1.35.8')],
      drain: WITHOUT,
      said: [],
    },
  ];
  it.each(rows)('$title', ({ nodes, drain, target, said }) => {
    const texts = ask(nodes, drain, target).map(
      ({ reason, message }) => `${reason}: ${message.split(': pods keep')[0]}`,
    );
    expect(texts).toEqual(said);
  });

  it('refuses what it cannot know, and warns of what is only risked', () => {
    const facts = exampleFacts({ nodes: unknown('403') });
    expect(evaluateGate(facts, TARGET, [places], exampleOptions())).toMatchObject({
      verdict: 'blocked',
      findings: [{ check: 'placement', reason: 'Unknown' }],
    });
    expect(ask([controlPlane('cp1')], WITHOUT)).toMatchObject([{ severity: 'warn' }]);
  });

  it('I01 I20 never places a step that drains on its own node, in any cluster and with either setting', () => {
    fc.assert(
      fc.property(clusters(), fc.constantFrom(ALWAYS, WITHOUT), (nodes, rule) => {
        for (const { step, place, drains } of placedSteps(
          { nodes, target: TARGET, rollout: exampleOptions().rollout },
          rule,
        )) {
          if (place.kind !== 'node' || !('node' in step) || place.node !== step.node) continue;
          expect(rule.mode).toBe('patch-without');
          expect(drains).toBe(false);
        }
      }),
    );
  });
});
