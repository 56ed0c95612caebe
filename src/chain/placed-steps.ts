import type { NodeFact } from '../facts/node-fact.ts';
import { controlPlanes, type Nodes } from '../facts/nodes.ts';
import { type DrainRule, whyDrained } from '../gate/drain-rule.ts';
import { type Placement, placement } from './placement.ts';
import { type RolloutView, remainingSteps } from './rollout.ts';
import { nodeOf, type Step } from './step.ts';

export interface PlacedStep {
  readonly step: Step;
  readonly place: Placement;
  /** Whether it drains a node. */
  readonly drains: boolean;
}

/** Whether a step drains the node that it changes; one that changes none drains none. `nodes` are all of the cluster. Pure. */
export function drainsNode(node: NodeFact | undefined, nodes: Nodes, target: string, rule: DrainRule): boolean {
  return node !== undefined && whyDrained(node, nodes, target, rule) !== undefined;
}

/** All steps from here to the end, each placed on the cluster as the steps before it leave it. Pure. */
export function* placedSteps(
  view: Pick<RolloutView, 'target' | 'rollout'> & { readonly nodes: Nodes },
  rule: DrainRule,
): Generator<PlacedStep> {
  const { nodes, target } = view;
  const state = new Map(nodes.map((node) => [node.name, node]));
  const masters = controlPlanes(nodes).map(({ name }) => name);
  for (const step of remainingSteps(view)) {
    const drains = drainsNode(state.get(nodeOf(step) ?? ''), nodes, target, rule);
    const onMasters = placement(
      step,
      masters.flatMap((name) => state.get(name) ?? []),
      target,
    );
    // The others are looked through when no control plane can run the Job.
    const place = onMasters.kind === 'none' ? placement(step, [...state.values()], target, drains) : onMasters;
    for (const name of step.phase === 'preflight' ? state.keys() : [nodeOf(step) ?? '']) {
      const node = state.get(name);
      if (node !== undefined) state.set(name, leftBy(step, node, target));
    }
    yield { step, place, drains };
  }
}

/** A node as a step leaves it. Preflight lifts what an earlier run has cordoned; the cordon of somebody else stays. */
function leftBy(step: Step, node: NodeFact, target: string): NodeFact {
  const lifted = node.cordonedBy === null ? node : { ...node, cordonedBy: null, schedulable: true };
  // A step waits until its node is Ready.
  return step.phase === 'preflight' ? lifted : { ...upgradedNode(lifted, target), ready: 'yes' };
}

/** A node as it is with that version. */
export function upgradedNode(node: NodeFact, version: string): NodeFact {
  return { ...node, kubelet: version, apiServer: node.role === 'control-plane' ? version : null, unfinished: null };
}
