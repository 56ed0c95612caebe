import type { PodFact } from '../../cluster/cluster.ts';
import { admits, isUsable } from '../../cluster/node-admits.ts';
import { isFinished, leavesInDrain } from '../../cluster/pod-in-drain.ts';
import type { Resources } from '../../cluster/quantity.ts';
import type { NodeFact } from '../../facts/node-fact.ts';

/** Pods of a drained node that cannot all be placed elsewhere. */
export interface Shortage {
  /** Those for which there is no place. */
  readonly pods: readonly PodFact[];
  /** `each`: every one of them is too big for any single node. `together`: there is not enough in all. */
  readonly kind: 'each' | 'together';
  /** The nodes that they may run on and that can be used now; empty when all of those are cordoned or not Ready. */
  readonly nodes: readonly { readonly name: string; readonly free: Resources }[];
  /** Of all pods of the drained node that need these nodes, the placed ones included. */
  readonly requested: Resources;
}

export interface Headroom {
  /** Pods that no other node takes, whatever its state: they wait until this one is back. Nobody's load is to blame. */
  readonly pinned: readonly PodFact[];
  /** Proven, never guessed. */
  readonly shortage: Shortage | undefined;
  /** No place was found for these, though nothing proves that there is none. */
  readonly unsure: readonly PodFact[];
  /** Nodes that may have the place and of which nobody has read how full they are; until then nothing is proven. */
  readonly unread: readonly string[];
}

/** What is left of a node's allocatable, by name; a node that is not among them was not read. */
export interface Mover {
  readonly pod: PodFact;
  readonly needs: Resources;
  /** Names of the nodes that it may run on now. */
  readonly hosts: readonly string[];
}

/**
 * Would the pods of a node find a place on the other nodes? Optimistic wherever the scheduler knows more than this does:
 * pods on their way out and fillers (priority below 0) take no room, spreading and volumes are not looked at, and what
 * a node does not say about itself is no limit. Pure.
 */
export function planHeadroom(pods: readonly PodFact[], others: readonly NodeFact[], free: Free): Headroom {
  const movers: Mover[] = [];
  const pinned: PodFact[] = [];
  for (const pod of pods.filter(needsPlace)) {
    const takers = others.filter((node) => admits(node, pod.placement));
    if (takers.length === 0) pinned.push(pod);
    else {
      const hosts = takers.filter((node) => isUsable(node, pod.placement)).map(({ name }) => name);
      movers.push({ pod, needs: { ...pod.placement.requests, pods: 1 }, hosts });
    }
  }
  const left = firstFit(movers, free);
  if (left.length === 0) return { pinned, shortage: undefined, unsure: [], unread: [] };
  // Those of the pods without a place come first.
  const unread = unionOf([...left, ...movers]).filter((name) => !free.has(name));
  const shortage = unread.length === 0 ? proof(movers, left, free) : undefined;
  return { pinned, shortage, unsure: shortage === undefined ? left.map(({ pod }) => pod) : [], unread };
}

/** Only what runs now and what somebody makes anew elsewhere. */
export function needsPlace(pod: PodFact): boolean {
  return (
    leavesInDrain(pod) && pod.phase === 'Running' && !pod.deleting && pod.owner !== null && pod.placement.priority >= 0
  );
}

/** With the pods of the node; a resource that it does not name at all is not there. */
export function freeOf({ name, allocatable }: NodeFact, pods: readonly PodFact[]): Resources | 'unknown' {
  if (Object.keys(allocatable).length === 0) return 'unknown';
  const free: Record<string, number> = { pods: Number.POSITIVE_INFINITY, ...allocatable };
  for (const pod of pods) {
    if (pod.node !== name || isFinished(pod) || pod.deleting || pod.placement.priority < 0) continue;
    for (const [resource, amount] of Object.entries({ ...pod.placement.requests, pods: 1 }))
      free[resource] = (free[resource] ?? 0) - amount;
  }
  return free;
}

type Free = ReadonlyMap<string, Resources | 'unknown'>;

/** First-fit decreasing, the pods with the fewest nodes first; those that found no place. */
function firstFit(movers: readonly Mover[], free: Free): readonly Mover[] {
  const room = new Map(free);
  const total = sum([...free.values()].flatMap((each) => (each === 'unknown' ? [] : [each])));
  const weight = ({ needs }: Mover): number =>
    Math.max(...Object.entries(needs).map(([name, amount]) => amount / Math.max(total[name] ?? 0, 1)));
  const order = movers.toSorted((one, other) => one.hosts.length - other.hosts.length || weight(other) - weight(one));
  return order.filter((mover) => {
    const host = mover.hosts.find((name) => fits(mover.needs, room.get(name)));
    if (host === undefined) return true;
    const before = room.get(host) ?? 'unknown';
    if (before !== 'unknown') room.set(host, minus(before, mover.needs));
    return false;
  });
}

/**
 * A set of pods that certainly has no place: either one that is too big for each of its nodes as they are now, or pods
 * that together ask more of a resource than all the nodes that any of them may run on have.
 */
function proof(movers: readonly Mover[], left: readonly Mover[], free: Free): Shortage | undefined {
  const tooBig = left.filter(({ needs, hosts }) => !hosts.some((name) => fits(needs, free.get(name))));
  if (tooBig.length > 0) return { kind: 'each', ...shortageOf(tooBig, tooBig, unionOf(tooBig), free) };
  const sets = [unionOf(movers), unionOf(left), ...left.map(({ hosts }) => hosts)];
  for (const hosts of sets) {
    const rivals = movers.filter((mover) => mover.hosts.every((name) => hosts.includes(name)));
    if (hosts.some((name) => free.get(name) === 'unknown')) continue;
    const without = left.filter((mover) => rivals.includes(mover));
    const shortage = { kind: 'together', ...shortageOf(rivals, without, hosts, free) } as const;
    const there = totalFree(shortage);
    if (Object.entries(shortage.requested).some(([name, amount]) => amount > (there[name] ?? 0))) return shortage;
  }
  return undefined;
}

function shortageOf(
  rivals: readonly Mover[],
  without: readonly Mover[],
  hosts: readonly string[],
  free: Free,
): Omit<Shortage, 'kind'> {
  return {
    pods: without.map(({ pod }) => pod),
    nodes: hosts.flatMap((name) => {
      const room = free.get(name);
      return room === undefined || room === 'unknown' ? [] : [{ name, free: atLeastZero(room) }];
    }),
    requested: sum(rivals.map(({ needs }) => needs)),
  };
}

export function totalFree({ nodes }: Pick<Shortage, 'nodes'>): Resources {
  return sum(nodes.map(({ free }) => free));
}

function unionOf(movers: readonly Mover[]): readonly string[] {
  return [...new Set(movers.flatMap(({ hosts }) => hosts))];
}

function fits(needs: Resources, room: Resources | 'unknown' | undefined): boolean {
  if (room === 'unknown') return true;
  // A node that is overcommitted in one resource still takes pods that ask nothing of it, as the scheduler has it.
  return (
    room !== undefined && Object.entries(needs).every(([name, amount]) => amount === 0 || amount <= (room[name] ?? 0))
  );
}

function minus(one: Resources, other: Resources): Resources {
  const result: Record<string, number> = { ...one };
  for (const [name, amount] of Object.entries(other)) result[name] = (result[name] ?? 0) - amount;
  return result;
}

function sum(list: readonly Resources[]): Resources {
  const result: Record<string, number> = {};
  for (const each of list)
    for (const [name, amount] of Object.entries(each)) result[name] = (result[name] ?? 0) + amount;
  return result;
}

function atLeastZero(room: Resources): Resources {
  return Object.fromEntries(Object.entries(room).map(([name, amount]) => [name, Math.max(0, amount)]));
}
