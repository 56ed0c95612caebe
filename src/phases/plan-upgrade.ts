import { remainingSteps } from '../chain/order.ts';
import { placement } from '../chain/placement.ts';
import { nodeOf, type Step, stepName } from '../chain/step.ts';
import { NightliftError } from '../errors.ts';
import type { Facts } from '../facts/facts.ts';
import { kindsOf, type NodeKind } from '../facts/inventory.ts';
import type { NodeFact, OtherNodeFact } from '../facts/node-fact.ts';
import { controlPlanes, isOnTarget, type Nodes, workers } from '../facts/nodes.ts';
import type { Settings } from '../settings/settings.ts';
import { jumpBetween } from '../version.ts';
import { phaseOf } from './phases.ts';

/** Measured on two cores with stacked etcd (kubeadm's own part of a step), without drains and soak; seconds. */
const KUBEADM_SECONDS = { patch: 100, minor: 180, node: 20 } as const;
const OVERHEAD_SECONDS = 20;

interface PlannedStep {
  readonly step: Step;
  readonly name: string;
  readonly runner: string;
  readonly why: string;
  readonly actions: readonly string[];
  readonly seconds: number;
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
  // Each step is placed on the cluster as the steps before it leave it.
  let state: Nodes = nodes;
  const steps = remainingSteps(nodes, target).map((step): PlannedStep => {
    const place = placement(step, state, target);
    state = state.map((node) => leftBy(step, node, target));
    return {
      step,
      name: stepName(step),
      runner: place.kind === 'node' ? place.node : place.kind === 'anywhere' ? '(any)' : 'NOWHERE',
      why: whyThen(
        step,
        nodes,
        target,
        place.kind === 'none' ? place.rejected.map((item) => `${item.node}: ${item.why}`).join('; ') : undefined,
      ),
      actions: phaseOf(step.phase).steps.map((action) => action.name),
      seconds: estimate(step, jump, settings),
      drain: drainOf(nodeOf(step), facts),
    };
  });
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
  if (node === undefined || drains?.known !== true) return null;
  const held = (budgets.known ? budgets.value : []).filter(
    ({ nodes = [], disruptionsAllowed, refusal }) =>
      nodes.includes(node) && (refusal?.known === true ? refusal.value !== null : disruptionsAllowed <= 0),
  );
  return {
    evicts: drains.value.find((one) => one.node === node)?.evicts ?? {},
    heldBy: held.map(({ namespace, name, refusal, currentHealthy, desiredHealthy }) => ({
      budget: `${namespace}/${name}`,
      why:
        (refusal?.known === true ? refusal.value : null) ??
        `it wants ${desiredHealthy} healthy pods and has ${currentHealthy}`,
    })),
  };
}

/** A node as a step leaves it. Preflight lifts what an earlier run has cordoned; the cordon of somebody else stays. */
function leftBy(step: Step, node: NodeFact, target: string): NodeFact {
  if (step.phase !== 'preflight' && nodeOf(step) !== node.name) return node;
  const lifted = node.cordonedBy === null ? node : { ...node, cordonedBy: null, schedulable: true };
  if (step.phase === 'preflight') return lifted;
  const apiServer = node.role === 'control-plane' ? target : null;
  return { ...lifted, kubelet: target, apiServer, unfinished: null };
}

function whyThen(step: Step, nodes: Nodes, target: string, nowhere: string | undefined): string {
  if (nowhere !== undefined) return `no node can run its Job: ${nowhere}`;
  if (step.phase === 'preflight') return 'everything that can say no says it before the first change';
  if (step.phase === 'postflight') return 'the whole cluster is looked at before it is called done';
  if (step.phase === 'master') {
    return controlPlanes(nodes)[0]?.name === step.node
      ? 'the first control plane: kubeadm upgrade apply'
      : 'another control plane: kubeadm upgrade node, one at a time';
  }
  const cordoned = nodes.some((node) => node.name === step.node && !node.schedulable && node.cordonedBy === null);
  const order = workers(nodes)
    .filter((node) => !isOnTarget(node, target))
    .findIndex((node) => node.name === step.node);
  return `worker ${order + 1} by name, after all control planes${cordoned ? '; cordoned by somebody else, and stays so' : ''}`;
}

function estimate(step: Step, jump: 'none' | 'patch' | 'minor', settings: Settings): number {
  if (step.phase === 'preflight' || step.phase === 'postflight') return OVERHEAD_SECONDS;
  if (step.phase === 'worker') return KUBEADM_SECONDS.node + OVERHEAD_SECONDS + settings.waits.soakSeconds;
  return (jump === 'minor' ? KUBEADM_SECONDS.minor : KUBEADM_SECONDS.patch) + OVERHEAD_SECONDS;
}
