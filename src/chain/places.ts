import type { Check } from '../gate/check.ts';
import { WITHOUT_DRAIN_RISK } from '../gate/drain-rule.ts';
import type { Finding } from '../gate/finding.ts';
import { unknownFinding } from '../gate/unknown-finding.ts';
import { someOf } from '../some-of.ts';
import { placedSteps } from './placed-steps.ts';
import type { Placement } from './placement.ts';
import { nodeOf, type Step, stepName } from './step.ts';

const NAME = 'placement';
const MOST_NAMED = 20;

/**
 * Every step of the run has a node for its Job, on the cluster as the steps before it leave it: a run that would end
 * half-way is not begun. That nodes are not drained is said here, with what it risks.
 */
export const places: Check = {
  name: NAME,
  reads: ['nodes'],
  evaluate({ nodes }, { target, options }) {
    if (!nodes.known) return [unknownFinding(NAME, 'the nodes', nodes.why, 'Look at kubectl get nodes.')];
    if (nodes.value.length === 0) return [];
    const without: string[] = [];
    const alone: string[] = [];
    for (const { step, place, drains } of placedSteps(
      { nodes: nodes.value, target, rollout: options.rollout },
      options.drain,
    )) {
      if (place.kind === 'none') return [noNodeFinding(step, place)];
      const node = nodeOf(step);
      if (node === undefined || drains) continue;
      without.push(node);
      if (place.kind === 'node' && place.node === node) alone.push(node);
    }
    return without.length === 0 ? [] : [withoutDrainFinding(without, alone)];
  },
};

/** Also for a cluster that has changed since the gate was asked. */
export function noNodeFinding(step: Step, { rejected }: Extract<Placement, { kind: 'none' }>): Finding {
  const whys = rejected.map(({ node, why }) => `${node}: ${why}`);
  return {
    check: NAME,
    reason: 'NoNodeForJob',
    class: 'actionable',
    severity: 'block',
    message: `No node can run the Job of ${stepName(step)}: ${someOf(whys, MOST_NAMED, '; ')}`,
    remedy:
      'Uncordon a node, remove its taint, or add a node; a Job never runs on the node that it drains. For a patch, drain.mode: patch-without upgrades such a node without draining it.',
  };
}

function withoutDrainFinding(without: readonly string[], alone: readonly string[]): Finding {
  const cordon =
    alone.length === 0
      ? 'cordoned and not drained'
      : alone.length === without.length
        ? 'neither drained nor cordoned, as no other node can run the Job'
        : `not drained, and ${someOf(alone, MOST_NAMED)} not cordoned either, as no other node can run the Job`;
  return {
    check: NAME,
    reason: 'WithoutDrain',
    class: 'actionable',
    severity: 'warn',
    message: `drain.mode is patch-without: ${someOf(without, MOST_NAMED)} ${without.length === 1 ? 'is' : 'are'} ${cordon}: ${WITHOUT_DRAIN_RISK}. Room on other nodes and disruption budgets are not asked for them`,
    remedy:
      'Nothing, when that is fine at night; drain.mode: always drains every node, which needs another one that takes its pods.',
  };
}
