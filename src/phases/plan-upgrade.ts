import { estimate } from '../chain/estimate.ts';
import { placedSteps } from '../chain/placed-steps.ts';
import { nodeOf, type Step, stepName } from '../chain/step.ts';
import { NightliftError } from '../errors.ts';
import type { FactPart, Facts } from '../facts/facts.ts';
import { kindsOf, type NodeKind } from '../facts/inventory.ts';
import type { OtherNodeFact } from '../facts/node-fact.ts';
import { controlPlanes, firstControlPlane, isOnTarget, type Nodes, workers } from '../facts/nodes.ts';
import { drainRule } from '../gate/drain-rule.ts';
import type { Settings } from '../settings/settings.ts';
import { someOf } from '../some-of.ts';
import { jumpBetween } from '../version.ts';
import { phaseOf } from './phases.ts';

const MOST_REJECTED = 20;

interface PlannedStep {
  readonly step: Step;
  readonly name: string;
  readonly runner: string;
  readonly why: string;
  readonly actions: readonly string[];
  readonly seconds: number;
  /** It changes a node, and leaves its pods where they are (`drain.mode`). */
  readonly withoutDrain: boolean;
  /** Of the node that the step changes; null for a step that drains none, or when nobody has looked. */
  readonly drain: PlannedDrain | null;
}

/** As it would be now. */
export interface PlannedDrain {
  /** Number of pods by namespace. */
  readonly evicts: Readonly<Record<string, number>>;
  /** Budgets that let a pod of it not go, and in whose words. */
  readonly heldBy: readonly { readonly budget: string; readonly why: string }[];
}

export interface UpgradePlan {
  readonly from: string;
  readonly target: string;
  readonly jump: 'none' | 'patch' | 'minor';
  readonly steps: readonly PlannedStep[];
  readonly leftOut: readonly OtherNodeFact[];
  readonly controlPlanes: number;
  /** Which versions run now on which nodes. */
  readonly inventory: readonly NodeKind[];
  readonly done: readonly string[];
  /** Why nobody knows what budgets hold back; null: it is known. */
  readonly budgetsUnknown: string | null;
  /** Without waits for budgets and alerts. */
  readonly seconds: number;
}

/** What a plan is made from, beside what the gate is asked. */
export const PLAN_READS: readonly FactPart[] = ['apiServer', 'nodes', 'otherNodes', 'budgets', 'drains'];

/** Pure: what a run to the target would do, in order, and why. @throws NightliftError (usage) for a target that kubeadm cannot reach. */
export function planUpgrade(facts: Facts, target: string, from: string, settings: Settings): UpgradePlan {
  if (!facts.nodes.known)
    throw new NightliftError(
      'cluster',
      `planning the upgrade to ${target}: the nodes are not known: ${facts.nodes.why}`,
    );
  const nodes = facts.nodes.value;
  const jump = jumpBetween(from, target);
  if (typeof jump !== 'string')
    throw new NightliftError('usage', `planning the upgrade to ${target}: ${jump.problem}`, {
      remedy: 'nightlift plan without --target shows the next possible one.',
    });
  const whyOf = reasonsFor(nodes, target);
  const steps = [...placedSteps({ nodes, target, rollout: settings.rollout }, drainRule(settings))].map(
    ({ step, place, drains }): PlannedStep => ({
      step,
      name: stepName(step),
      runner: place.kind === 'node' ? place.node : place.kind === 'anywhere' ? '(any)' : 'NOWHERE',
      why: place.kind === 'none' ? nowhere(place.rejected) : whyOf(step),
      actions: phaseOf(step.phase).steps.map((action) => action.name),
      seconds: estimate(step, from, target, settings),
      withoutDrain: nodeOf(step) !== undefined && !drains,
      drain: drains ? drainOf(nodeOf(step), facts) : null,
    }),
  );
  return {
    from,
    target,
    jump,
    steps,
    controlPlanes: controlPlanes(nodes).length,
    inventory: kindsOf(nodes),
    leftOut: facts.otherNodes.known ? facts.otherNodes.value : [],
    budgetsUnknown: facts.budgets.known ? null : facts.budgets.why,
    done: nodes.filter((node) => isOnTarget(node, target)).map((node) => node.name),
    seconds: steps.reduce((sum, step) => sum + step.seconds, 0),
  };
}

function drainOf(node: string | undefined, { drains, budgets }: Facts): PlannedDrain | null {
  const now = drains?.known === true ? drains.value.find((one) => one.node === node) : undefined;
  if (node === undefined || now === undefined) return null;
  const held = (budgets.known ? budgets.value : []).filter(
    ({ nodes = [], disruptionsAllowed, refusal }) =>
      nodes.includes(node) && (refusal?.known === true ? refusal.value !== null : disruptionsAllowed <= 0),
  );
  return {
    evicts: now.evicts,
    heldBy: held.map(({ namespace, name, refusal, currentHealthy, desiredHealthy }) => ({
      budget: `${namespace}/${name}`,
      why:
        (refusal?.known === true ? refusal.value : null) ??
        `it wants ${desiredHealthy} healthy pods and has ${currentHealthy}`,
    })),
  };
}

function nowhere(rejected: readonly { readonly node: string; readonly why: string }[]): string {
  const whys = rejected.map(({ node, why }) => `${node}: ${why}`);
  return `no node can run its Job: ${someOf(whys, MOST_REJECTED, '; ')}`;
}

/** Why each step comes where it comes. */
function reasonsFor(nodes: Nodes, target: string): (step: Step) => string {
  const first = firstControlPlane(nodes);
  const pending = workers(nodes).filter((node) => !isOnTarget(node, target));
  const order = new Map(pending.map(({ name }, index) => [name, index + 1]));
  const cordoned = new Set(
    pending.filter((node) => !node.schedulable && node.cordonedBy === null).map(({ name }) => name),
  );
  return (step) => {
    if (step.phase === 'preflight') return 'everything that can say no says it before the first change';
    if (step.phase === 'postflight') return 'the whole cluster is looked at before it is called done';
    if (step.phase === 'master') {
      return step.node === first
        ? 'the first control plane: kubeadm upgrade apply'
        : 'another control plane: kubeadm upgrade node, one at a time';
    }
    return `worker ${order.get(step.node) ?? 0} by name, after all control planes${cordoned.has(step.node) ? '; cordoned by somebody else, and stays so' : ''}`;
  };
}
