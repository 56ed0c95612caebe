import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import type { DrainRule } from '../gate/drain-rule.ts';
import { Rollout } from '../settings/rollout.ts';
import { drainsNode, placedSteps } from './placed-steps.ts';
import { stepName } from './step.ts';

const ALWAYS: DrainRule = { mode: 'always', raise: true };
const WITHOUT: DrainRule = { mode: 'patch-without', raise: true };
const AWAY = { ready: 'no', unfinished: TARGET } as const;
const OURS = { schedulable: false, cordonedBy: TARGET } as const;

/** 'master cp1 on w1', and 'drained' where it is. */
function placed(nodes: readonly NodeFact[], rule: DrainRule = ALWAYS): readonly string[] {
  return [...placedSteps({ nodes, target: TARGET, rollout: Rollout.parse({}) }, rule)].map(
    ({ step, place, drains }) => {
      const where = place.kind === 'node' ? `on ${place.node}` : place.kind;
      return `${stepName(step)} ${where}${drains ? ', drained' : ''}`;
    },
  );
}

describe('the steps of a run, each placed as those before it leave the cluster', () => {
  it.each<[string, readonly NodeFact[], DrainRule, readonly string[]]>([
    [
      'prefer a control plane that is upgraded by then',
      [controlPlane('cp1'), controlPlane('cp2'), controlPlane('cp3'), worker('w1')],
      ALWAYS,
      [
        'preflight on cp1',
        'master cp1 on cp2, drained',
        'master cp2 on cp1, drained',
        'master cp3 on cp1, drained',
        'worker w1 on cp1, drained',
        'postflight anywhere',
      ],
    ],
    [
      'count on preflight to lift every cordon of ours',
      [controlPlane('cp1', TARGET, OURS), worker('w1', OLD, OURS), worker('w2')],
      ALWAYS,
      [
        'preflight on w2',
        'master cp1 on w1, drained',
        'worker w1 on cp1, drained',
        'worker w2 on cp1, drained',
        'postflight anywhere',
      ],
    ],
    [
      'count on a step to bring its node back, and on no other',
      [controlPlane('cp1', OLD, AWAY), worker('w1', OLD, { ready: 'no' })],
      ALWAYS,
      ['preflight none', 'master cp1 none, drained', 'worker w1 on cp1, drained', 'postflight anywhere'],
    ],
    [
      'leave the cordon of a person',
      [controlPlane('cp1', OLD, { schedulable: false }), worker('w1')],
      ALWAYS,
      ['preflight on w1', 'master cp1 on w1, drained', 'worker w1 none, drained', 'postflight anywhere'],
    ],
    [
      'run on the node that they change where nothing is drained and no other node can run them',
      [controlPlane('cp1')],
      WITHOUT,
      ['preflight on cp1', 'master cp1 on cp1', 'postflight anywhere'],
    ],
    [
      'run elsewhere where another can, drained or not',
      [controlPlane('cp1'), worker('w1'), worker('w2', '1.35.8')],
      WITHOUT,
      ['preflight on cp1', 'master cp1 on w1', 'worker w1 on cp1', 'worker w2 on cp1, drained', 'postflight anywhere'],
    ],
  ])('%s', (_title, nodes, rule, want) => {
    expect(placed(nodes, rule)).toEqual(want);
  });

  it('drain no node where they change none', () => {
    expect(drainsNode(undefined, [controlPlane('cp1')], TARGET, ALWAYS)).toBe(false);
  });
});
