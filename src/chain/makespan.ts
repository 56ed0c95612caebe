import type { NodeOutline } from '../facts/node-fact.ts';
import { isOnTarget, workers } from '../facts/nodes.ts';
import { type Rollout, sharedOut } from '../settings/rollout.ts';
import { groupsOf, isCanary, nextSteps, type RolloutView, remainingSteps, soakSeconds } from './rollout.ts';
import { nodeOf, type Step } from './step.ts';

export interface TimedStep {
  readonly step: Step;
  /** From the beginning of the run. */
  readonly startsAt: number;
  readonly seconds: number;
  /** Of all workers that begin together, from 1; 0 for a step of no worker. */
  readonly round: number;
  readonly isCanary: boolean;
}

export interface Makespan {
  readonly steps: readonly TimedStep[];
  readonly seconds: number;
  readonly rounds: number;
}

type View = Pick<RolloutView, 'nodes' | 'target' | 'rollout' | 'now'>;

/** What a step takes, when it is watched for so long. */
export type Estimate = (step: Step, soak: number) => number;

/**
 * How long a run takes when every step takes what is estimated: `nextSteps` is asked in virtual time, so that it goes as the chain
 * will. What is half-way counts as not begun, every node as Ready, and budgets hold nothing. Pure.
 */
export function makespan(view: View, estimate: Estimate, usualSoak: number): Makespan {
  const timed: TimedStep[] = [];
  let seconds = 0;
  let rounds = 0;
  const add = (step: Step): void => {
    const takes = estimate(step, usualSoak);
    timed.push({ step, startsAt: seconds, seconds: takes, round: 0, isCanary: false });
    seconds += takes;
  };
  const others = remainingSteps(view).filter(({ phase }) => phase !== 'worker');
  for (const step of others.slice(0, -1)) add(step);
  const all = workers(view.nodes);
  const limit = sharedOut(view.rollout.maxUnavailable, all.length);
  let before: readonly NodeOutline[] = all.filter((node) => isOnTarget(node, view.target));
  for (const group of groupsOf(all, view)) {
    const of = sharedOut(view.rollout.groups?.maxUnavailable ?? limit, group.length);
    // Groups go one after the other: the limit of one is the limit while it has its turn.
    const rollout: Rollout = { ...view.rollout, maxUnavailable: Math.min(limit, of), groups: null };
    const own = { ...view, rollout, nodes: group };
    for (const round of roundsOf(own, before, { estimate, usualSoak, from: seconds })) {
      rounds += 1;
      for (const one of round.steps) timed.push({ ...one, round: rounds });
      seconds = round.endsAt;
      before = round.last;
    }
  }
  for (const step of others.slice(-1)) add(step);
  return { steps: timed, seconds, rounds };
}

interface Round {
  readonly steps: readonly TimedStep[];
  readonly endsAt: number;
  /** Who was finished last. */
  readonly last: readonly NodeOutline[];
}

/** Workers of one group that begin together; all of them take equally long, so that they end together as well. */
function* roundsOf(
  { nodes: group, target, rollout, now }: View,
  before: readonly NodeOutline[],
  { estimate, usualSoak, from }: { readonly estimate: Estimate; readonly usualSoak: number; readonly from: number },
): Generator<Round> {
  const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
  // Of those that wait only the first ones can be next, unless a zone is looked for; of the others enough count as canaries.
  const enough = sharedOut(rollout.maxUnavailable, group.length) + rollout.canary.perGroup;
  let waiting = group.filter((node) => !isOnTarget(node, target)).map(notBegun);
  let done = group.filter((node) => node.finished !== null && isOnTarget(node, target)).slice(-enough);
  let last = before;
  let seconds = from;
  while (waiting.length > 0) {
    const shown = rollout.zones === 'any' ? waiting.slice(0, enough) : waiting;
    seconds += nextSteps({ nodes: [...shown, ...last], target, rollout, now: at(seconds) }).pauseMs / 1000;
    const view = { nodes: [...shown, ...done], target, rollout };
    const { steps } = nextSteps({ ...view, now: at(seconds + rollout.pauseSeconds) });
    // While canaries are left, nobody else of the group goes: what is true of one is true of all that go now.
    const name = steps.map(nodeOf)[0] ?? '';
    const canary = isCanary(name, view);
    const soak = soakSeconds(canary, rollout, usualSoak);
    const timed = steps.map(
      (step): TimedStep => ({
        step,
        startsAt: seconds,
        seconds: estimate(step, soak),
        round: 0,
        isCanary: canary,
      }),
    );
    const names = new Set(steps.map(nodeOf));
    seconds += Math.max(...timed.map((one) => one.seconds));
    const finished = `${target} ${at(seconds).toISOString()}`;
    last = shown.filter((node) => names.has(node.name)).map((node) => ({ ...node, kubelet: target, finished }));
    waiting = shown.filter((node) => !names.has(node.name)).concat(waiting.slice(shown.length));
    done = [...done, ...last].slice(-enough);
    yield { steps: timed, endsAt: seconds, last };
  }
}

function notBegun(node: NodeOutline): NodeOutline {
  return { ...node, kubelet: '0.0.0', ready: 'yes', cordonedBy: null, unfinished: null };
}
