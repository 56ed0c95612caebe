import type { NodeOutline } from '../facts/node-fact.ts';
import { byName, controlPlanes, isHalfWay, isOnTarget, type Outlines, workers } from '../facts/nodes.ts';
import { isParallel, type Rollout, sharedOut } from '../settings/rollout.ts';
import { someOf } from '../some-of.ts';
import type { Failure } from './failures.ts';
import type { Step } from './step.ts';

export const ZONE = 'topology.kubernetes.io/zone';

/** What the order of a chain is worked out from; of one that goes one by one the nodes alone. */
export interface RolloutView {
  readonly nodes: Outlines;
  readonly target: string;
  readonly rollout: Rollout;
  readonly now: Date;
  /** Nodes whose Job is there and has not ended. */
  readonly busy?: ReadonlySet<string>;
  /** By node, what has failed for good tonight. */
  readonly failed?: ReadonlyMap<string, Failure>;
  /** Pods by node, where the order goes by them. */
  readonly pods?: ReadonlyMap<string, number>;
  /** Pods of each budget by node, of the nodes that were looked at. */
  readonly held?: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** How many pods each budget lets go. */
  readonly allows?: ReadonlyMap<string, number>;
}

export interface NextSteps {
  /** Whose Jobs should exist now, and do not. */
  readonly steps: readonly Step[];
  /** Workers whose Jobs have not ended. */
  readonly atWork: readonly string[];
  /** Workers that are not upgraded tonight any more. */
  readonly failed: ReadonlyMap<string, Failure>;
  /** Nothing is at work, and the pause between two batches lasts so long from now. */
  readonly pauseMs: number;
  /** Why no worker is begun any more tonight; undefined while one may be. */
  readonly stopped: string | undefined;
}

/**
 * What comes next, from the live cluster and the settings alone (I05, I07): control planes by name, then workers as the
 * rollout has it, then postflight. A worker is never upgraded while a control plane is behind: a kubelet must not be newer
 * than an API server. Of workers no more are away than the settings allow; those that an earlier Job has left half-way come first.
 */
export function nextSteps(view: RolloutView): NextSteps {
  const { nodes, target, rollout } = view;
  const busy = view.busy ?? new Set();
  const all = workers(nodes);
  const pending = all.filter((node) => !isOnTarget(node, target));
  const failed = new Map(pending.flatMap(({ name }) => pair(name, view.failed?.get(name))));
  const open = pending.filter(({ name }) => !failed.has(name));
  const isOpen = new Set(open);
  const atWork = open.filter(({ name }) => busy.has(name));
  const next = (
    steps: readonly Step[],
    { pauseMs = 0, stopped }: { pauseMs?: number; stopped?: string | undefined } = {},
  ): NextSteps => ({
    steps,
    atWork: atWork.map(({ name }) => name),
    failed,
    pauseMs,
    stopped,
  });
  const master = controlPlanes(nodes).find((node) => !isOnTarget(node, target));
  if (master !== undefined) return next(atWork.length > 0 ? [] : [{ phase: 'master', node: master.name }]);
  if (open.length === 0) return next(failed.size > 0 ? [] : [{ phase: 'postflight' }]);
  const groups = groupsOf(all, view);
  const closed = whyClosed(groups, failed, view);
  if (closed !== undefined) return next([], { stopped: closed });

  const limit = sharedOut(rollout.maxUnavailable, all.length);
  const left = stuck(failed, all);
  const idle = inTurn(groups).filter((node) => isOpen.has(node) && !busy.has(node.name));
  const isSerial = !isParallel(rollout);
  const chosen = isSerial ? [] : idle.filter(isHeld).slice(0, Math.max(0, limit - atWork.length - left.length));
  const others = idle.filter((node) => !isHeld(node));
  // Those that are in service again with their mark on them go as any other one, and first.
  const fresh = isSerial
    ? idle
    : others.toSorted((a, b) => Number(b.unfinished !== null) - Number(a.unfinished !== null));
  const pauseMs = atWork.length + chosen.length > 0 ? 0 : pauseLeft(all, view);
  if (pauseMs > 0) return next([], { pauseMs });
  const room = roomOf(groups, { view, open, limit, chosen, atWork });
  for (const node of fresh) if (room.takes(node)) chosen.push(node);
  // Something else is in the way, such as a node that is down: the step waits for it, and says so. For what is stuck nobody would wait.
  const [first] = idle;
  if (chosen.length + atWork.length + left.length === 0 && first !== undefined) chosen.push(first);
  return next(
    chosen.map(({ name }): Step => ({ phase: 'worker', node: name })),
    left.length === 0
      ? {}
      : { stopped: `none may go beside ${someOf(left.map(({ name }) => name))}, which could not be put back` },
  );
}

function pair<T>(name: string, value: T | undefined): [string, T][] {
  return value === undefined ? [] : [[name, value]];
}

/** An earlier Job has taken it away, and it is not back. */
function isHeld(node: NodeOutline): boolean {
  return node.cordonedBy !== null || isHalfWay(node);
}

/** Those that nobody brings back tonight. */
function stuck(failed: ReadonlyMap<string, Failure>, all: Outlines): Outlines {
  return all.filter(({ name, cordonedBy }) => failed.has(name) && cordonedBy !== null);
}

export type Groups = readonly (readonly NodeOutline[])[];

/** Workers in the order in which they have their turn, group by group. */
export function groupsOf<T extends NodeOutline>(
  all: readonly T[],
  { rollout, pods }: Pick<RolloutView, 'rollout' | 'pods'>,
): readonly (readonly T[])[] {
  const { groups, orderLabel } = rollout;
  const rank = (node: NodeOutline): number => (rollout.order === 'fewest-pods' ? (pods?.get(node.name) ?? 0) : 0);
  const sorted = all.toSorted((a, b) => byLabel(orderLabel, a, b) || rank(a) - rank(b) || byName(a, b));
  if (groups === null) return [sorted];
  const place = (value: string | undefined): number => {
    if (value === undefined) return groups.order.length + 1;
    const at = groups.order.indexOf(value);
    return at === -1 ? groups.order.length : at;
  };
  const valueOf = ({ labels }: NodeOutline): string | undefined => labels[groups.label];
  return [...Map.groupBy(sorted, valueOf).entries()]
    .toSorted(([a], [b]) => place(a) - place(b) || byName({ name: a ?? '' }, { name: b ?? '' }))
    .map(([, members]) => members);
}

/** Whom a Job has left down comes before all others: these wait until every node is Ready, and only its own Job brings it back. */
function inTurn(groups: Groups): Outlines {
  return groups.flat().toSorted((a, b) => Number(isHalfWay(b)) - Number(isHalfWay(a)));
}

/** Those without the label come last. */
function byLabel(label: string, a: NodeOutline, b: NodeOutline): number {
  if (label === '') return 0;
  const [left, right] = [a.labels[label], b.labels[label]];
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  return byName({ name: left }, { name: right });
}

function isFinished(node: NodeOutline, target: string): boolean {
  return node.finished?.split(' ')[0] === target && isOnTarget(node, target);
}

/** Canaries of a group that have not been finished yet: those that were on the target before were never watched. */
function canariesLeft(group: Outlines, { rollout, target }: Pick<RolloutView, 'rollout' | 'target'>): number {
  const finished = group.filter((node) => isFinished(node, target)).length;
  const due = group.filter((node) => !isOnTarget(node, target)).length;
  return Math.max(0, Math.min(rollout.canary.perGroup, finished + due) - finished);
}

function whyClosed(
  groups: Groups,
  failed: ReadonlyMap<string, Failure>,
  view: Pick<RolloutView, 'rollout' | 'target'>,
): string | undefined {
  const { maxFailed } = view.rollout;
  const forAll = [...failed].find(([, { scope }]) => scope === 'run');
  if (forAll !== undefined) return `what stopped ${forAll[0]} is in the way of every other one`;
  if (failed.size > maxFailed)
    return maxFailed === 0
      ? 'none may fail (rollout.maxFailed)'
      : `${failed.size} have failed, and rollout.maxFailed is ${maxFailed}`;
  for (const group of groups) {
    const canary = canariesLeft(group, view) === 0 ? undefined : group.find(({ name }) => failed.has(name));
    if (canary !== undefined) return `${canary.name} was the canary of its group`;
  }
  return undefined;
}

interface Choice {
  readonly view: RolloutView;
  readonly open: Outlines;
  readonly limit: number;
  /** Those that an earlier Job has begun with. */
  readonly chosen: Outlines;
  readonly atWork: Outlines;
}

/** Which of the workers that nobody has begun with may go beside those that are away; each that is taken counts for the next one. */
function roomOf(
  groups: Groups,
  { view, open, limit, chosen, atWork }: Choice,
): { readonly takes: (node: NodeOutline) => boolean } {
  const { nodes, rollout } = view;
  const working = new Set([...chosen, ...atWork]);
  // One that is in service again with its mark on it is not away.
  const isAway = (node: NodeOutline): boolean => node.ready !== 'yes' || node.cordonedBy !== null || working.has(node);
  const away = new Set(nodes.filter(isAway));
  // The group before is done when nothing of it is left to do tonight.
  const group = groups.find((members) => members.some((node) => open.includes(node))) ?? [];
  const groupLimit = sharedOut(rollout.groups?.maxUnavailable ?? limit, group.length);
  const left = canariesLeft(group, view);
  const isBatched = rollout.batch !== null || rollout.pauseSeconds > 0;
  const most = Math.min(limit, rollout.batch ?? limit);
  const inGroup = new Set(group);
  let awayHere = group.filter((one) => away.has(one)).length;
  let workingHere = group.filter((one) => working.has(one)).length;
  // What an earlier Job has left half-way in another group has its turn alone, and is waited for.
  const isElsewhere = workingHere < working.size;
  let taken = 0;
  const takes = (node: NodeOutline): boolean => {
    const fits =
      !isElsewhere &&
      inGroup.has(node) &&
      !away.has(node) &&
      away.size < limit &&
      awayHere < groupLimit &&
      (left === 0 || workingHere < left) &&
      (!isBatched || (working.size === taken && taken < most)) &&
      (rollout.zones === 'any' || [...away].every((one) => isOneZone(one, node))) &&
      !sharesBudget(node, away, view);
    if (!fits) return false;
    away.add(node);
    working.add(node);
    awayHere += 1;
    workingHere += 1;
    taken += 1;
    return true;
  };
  return { takes };
}

function isOneZone(a: NodeOutline, b: NodeOutline): boolean {
  return a.labels[ZONE] !== undefined && a.labels[ZONE] === b.labels[ZONE];
}

/**
 * Whether the node holds pods of a budget that lets fewer go than it and those that are away still hold: what these have let go of
 * counts against the budget already, and may not be back before they are.
 */
function sharesBudget({ name }: NodeOutline, others: ReadonlySet<NodeOutline>, { held, allows }: RolloutView): boolean {
  return [...(held?.get(name) ?? [])].some(([budget, own]) => {
    const theirs = [...others].reduce((sum, other) => sum + (held?.get(other.name)?.get(budget) ?? 0), 0);
    return others.size > 0 && own + theirs > (allows?.get(budget) ?? 0);
  });
}

/** Never longer than the pause itself: clocks that were set cost no more than that. */
function pauseLeft(all: Outlines, { rollout, target, now }: RolloutView): number {
  const pauseMs = rollout.pauseSeconds * 1000;
  const ends = all
    .filter((node) => isFinished(node, target))
    .map(({ finished }) => Date.parse(finished?.split(' ')[1] ?? '') + pauseMs - now.getTime())
    .filter((left) => left > 0);
  return Math.min(pauseMs, Math.max(0, ...ends));
}

type CanaryView = Pick<RolloutView, 'nodes' | 'rollout' | 'target'>;

/** Whether the others of its group wait for a worker that has its turn now. */
export function isCanary(name: string, view: CanaryView): boolean {
  const group = groupsOf(workers(view.nodes), view).find((members) => members.some((node) => node.name === name));
  return group !== undefined && canariesLeft(group, view) > 0;
}

/** How long a worker is watched when it is back in service: a canary for longer. */
export function soakSeconds(canary: boolean, rollout: Rollout, usual: number): number {
  return canary ? Math.max(usual, rollout.canary.soakSeconds) : usual;
}

/** All steps from here to the end, in order. */
export function remainingSteps(view: Pick<RolloutView, 'nodes' | 'target' | 'rollout' | 'pods'>): readonly Step[] {
  const { nodes, target } = view;
  const pending = (list: Outlines) => list.filter((node) => !isOnTarget(node, target));
  return [
    { phase: 'preflight' },
    ...pending(controlPlanes(nodes)).map((node): Step => ({ phase: 'master', node: node.name })),
    ...pending(inTurn(groupsOf(workers(nodes), view))).map((node): Step => ({ phase: 'worker', node: node.name })),
    { phase: 'postflight' },
  ];
}
