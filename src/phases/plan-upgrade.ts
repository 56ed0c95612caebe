import { formatDuration } from '../age.ts';
import { estimate } from '../chain/estimate.ts';
import { type Makespan, makespan } from '../chain/makespan.ts';
import { placedSteps } from '../chain/placed-steps.ts';
import { groupName } from '../chain/rollout-fits.ts';
import { nodeOf, type Step, stepName } from '../chain/step.ts';
import { NightliftError } from '../errors.ts';
import type { FactPart, Facts } from '../facts/facts.ts';
import { kindsOf, type NodeKind } from '../facts/inventory.ts';
import type { NodeFact, OtherNodeFact } from '../facts/node-fact.ts';
import { controlPlanes, firstControlPlane, isOnTarget, type Nodes, workers } from '../facts/nodes.ts';
import { drainRule } from '../gate/drain-rule.ts';
import { nightsFor } from '../settings/nights-for.ts';
import { isParallel, type Rollout, sharedOut } from '../settings/rollout.ts';
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
  /** From the first step to the end of the last one, without waits for budgets and alerts. */
  readonly seconds: number;
  /** How many workers go at a time at most. */
  readonly together: number;
  /** Into how many windows it fits, by these estimates; null without a window, or when a step fits into none. */
  readonly nights: number | null;
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
  const { rollout, waits, window } = settings;
  const now = new Date(facts.observedAt);
  const span = makespan(
    { nodes, target, rollout, now },
    (step, soak) => estimate(step, from, target, settings, soak),
    waits.soakSeconds,
  );
  const timed = new Map(span.steps.map((one) => [stepName(one.step), one]));
  const whyOf = reasonsFor(nodes, settings, span);
  const steps = [...placedSteps({ nodes, target, rollout }, drainRule(settings))].map(
    ({ step, place, drains }): PlannedStep => ({
      step,
      name: stepName(step),
      runner: place.kind === 'node' ? place.node : place.kind === 'anywhere' ? '(any)' : 'NOWHERE',
      why: place.kind === 'none' ? nowhere(place.rejected) : whyOf(step),
      actions: phaseOf(step.phase).steps.map((action) => action.name),
      seconds: timed.get(stepName(step))?.seconds ?? 0,
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
    seconds: span.seconds,
    together: sharedOut(rollout.maxUnavailable, workers(nodes).length),
    nights: window === null ? null : nightsFor(window, now, turnsOf(span)),
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

/** Seconds of the steps that nothing can be put between, one after the other. */
function turnsOf({ steps }: Makespan): readonly number[] {
  return [...Map.groupBy(steps, ({ startsAt }) => startsAt).values()].map((together) =>
    Math.max(...together.map(({ seconds }) => seconds)),
  );
}

/** Why each step comes where it comes. */
function reasonsFor(nodes: Nodes, settings: Settings, span: Makespan): (step: Step) => string {
  const first = firstControlPlane(nodes);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const wordsOf = new Map(
    span.steps
      .filter(({ step }) => step.phase === 'worker')
      .map((one, index) => [nodeOf(one.step), turnWords(index + 1, one, byName, settings, span)]),
  );
  const isCordoned = ({ node }: { readonly node: string }): boolean => {
    const found = byName.get(node);
    return found !== undefined && !found.schedulable && found.cordonedBy === null;
  };
  return (step) => {
    if (step.phase === 'preflight') return 'everything that can say no says it before the first change';
    if (step.phase === 'postflight') return 'the whole cluster is looked at before it is called done';
    if (step.phase === 'master') {
      return step.node === first
        ? 'the first control plane: kubeadm upgrade apply'
        : 'another control plane: kubeadm upgrade node, one at a time';
    }
    return `${wordsOf.get(step.node) ?? ''}, after all control planes${isCordoned(step) ? '; cordoned by somebody else, and stays so' : ''}`;
  };
}

/** `worker 3 by name`, or how the rollout has it: `canary of group generation=2019, watched for 30 min, batch 1 of 4`. */
function turnWords(
  place: number,
  { step, round, isCanary }: Makespan['steps'][number],
  nodes: ReadonlyMap<string, NodeFact>,
  { rollout, waits }: Settings,
  { rounds }: Makespan,
): string {
  const { groups, canary } = rollout;
  const group = groups === null ? '' : ` of group ${groupName(nodes.get(nodeOf(step) ?? ''), groups.label)}`;
  const watched = formatDuration(Math.max(waits.soakSeconds, canary.soakSeconds) * 1000);
  const turn = isCanary ? `canary${group}, watched for ${watched}` : `worker ${place} ${orderWords(rollout)}${group}`;
  return isParallel(rollout) || rollout.batch !== null ? `${turn}, batch ${round} of ${rounds}` : turn;
}

function orderWords({ order, orderLabel }: Rollout): string {
  const last = order === 'name' ? 'by name' : 'by fewest pods, which its turn will show';
  return orderLabel === '' ? last : `by ${orderLabel}, then ${last}`;
}
