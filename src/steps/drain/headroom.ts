import { atOnce } from '../../at-once.ts';
import { othersAtWork } from '../../chain/at-work.ts';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { skipWithoutDrain } from '../../chain/without-drain.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { formatResource, type Resources } from '../../cluster/quantity.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes, hasTargetVersion, type Outlines, workers } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import { logFinding } from '../../gate/log-finding.ts';
import { someOf } from '../../some-of.ts';
import { freeOf, type Headroom, needsPlace, planHeadroom, type Shortage, totalFree } from './headroom-fit.ts';

/** Looked at before the cordon: a drain whose pods have nowhere to go is an outage that needs no beginning. */
export const headroom: ActionStep = {
  name: 'headroom',
  summary: "the other nodes have room for the node's pods",
  async skip(context) {
    if (context.deps.settings.drain.headroom === 'off') return 'drain.headroom is off';
    const { cordonedBy } = await context.node();
    const why = cordonedBy === null ? undefined : 'an earlier Job has begun to drain the node';
    return (await skipWithoutDrain(context)) ?? why;
  },
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run(context) {
    const { deps } = context;
    const { name } = await context.node();
    const { pinned, shortage, unsure } = await lookForRoom(context, name);
    if (pinned.length > 0) {
      const waiting = `no other node takes them, by their selectors or its taints: ${named(pinned)}`;
      deps.log.warn('these pods are away until the node is back', { node: name, pods: waiting });
    }
    if (unsure.length > 0)
      deps.log.warn('the other nodes may be too full for these pods', { node: name, pods: named(unsure) });
    if (shortage === undefined) return;
    const finding = shortageFinding(name, shortage, deps.settings.drain.headroom === 'warn' ? 'warn' : 'block');
    if (finding.severity === 'block') throw new Refused([finding]);
    logFinding(deps.log, finding);
  },
};

/** So many nodes are read by themselves, before all are listed. */
const NEAREST = 12;
const AT_ONCE = 4;

/**
 * Node by node until the pods fit, as one or two others are enough nearly always: then neither the nodes nor the pods of
 * the cluster are listed. What does not fit there is decided over every node that any of the pods may run on.
 */
async function lookForRoom(context: Context, drained: string): Promise<Headroom> {
  const { cluster } = context.deps;
  const { signal } = context;
  const pods = (await cluster.pods({ node: drained }, signal)).filter((pod) => pod.node === drained && needsPlace(pod));
  const free = new Map<string, Resources | 'unknown'>();
  const readRoom = async (nodes: readonly NodeFact[]): Promise<void> => {
    await atOnce(nodes, AT_ONCE, async (node) => {
      free.set(node.name, freeOf(node, await cluster.pods({ node: node.name }, signal)));
    });
  };
  if (pods.length === 0) return planHeadroom(pods, [], free);
  const near: NodeFact[] = [];
  // What others are at work on is about to be emptied as well.
  const leaving = await othersAtWork(context);
  const staying = (await cluster.outlines(signal)).filter(({ name }) => !leaving.has(name));
  const names = nearestFirst(drained, staying).slice(0, NEAREST);
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const found = await Promise.all(names.slice(at, at + AT_ONCE).map((name) => cluster.node(name, signal)));
    const some = found.filter((node) => node !== undefined);
    near.push(...some);
    await readRoom(some);
    const plan = planHeadroom(pods, near, free);
    if (plan.pinned.length + plan.unsure.length === 0 && plan.shortage === undefined) return plan;
  }
  const others = (await cluster.nodes(signal)).filter(({ name }) => name !== drained && !leaving.has(name));
  for (let some = NEAREST; ; some *= 2) {
    const plan = planHeadroom(pods, others, free);
    if (plan.unread.length === 0) return plan;
    const next = new Set(plan.unread.slice(0, some));
    await readRoom(others.filter(({ name }) => next.has(name)));
  }
}

/** Usable nodes by name, backwards from the drained one: those that were emptied last come first. */
function nearestFirst(drained: string, nodes: Outlines): readonly string[] {
  const usable = nodes.filter(({ name, ready, schedulable }) => name !== drained && ready === 'yes' && schedulable);
  const names = [...workers(usable), ...controlPlanes(usable)].map(({ name }) => name);
  const before = names.filter((name) => name < drained).toReversed();
  return [...before, ...names.filter((name) => name > drained)];
}

export function shortageFinding(node: string, shortage: Shortage, severity: Finding['severity']): Finding {
  const { pods } = shortage;
  return {
    check: 'headroom',
    reason: 'NoHeadroom',
    class: 'actionable',
    severity,
    message: `Draining ${node} would leave ${pods.length === 1 ? 'a pod' : `${pods.length} pods`} without a place: ${numbersOf(shortage)}; no place for ${named(pods)}`,
    remedy:
      'Add a node, uncordon one, lower the requests or scale something down; drain.headroom decides between refusal and warning.',
  };
}

const MOST_NAMED = 10;

/** Requested against free; of a pod that is too big for each node, what every node has. */
function numbersOf(shortage: Shortage): string {
  const { kind, nodes, requested } = shortage;
  if (nodes.length === 0) return 'every other node that they may run on is cordoned or not Ready';
  const asked = Object.entries(requested).filter(([, amount]) => amount > 0);
  if (kind === 'each') {
    const rooms = nodes.map(({ name, free }) => {
      const there = asked.map(([resource]) => `${resource} ${formatResource(resource, free[resource] ?? 0)}`);
      return `${name} has ${there.join(', ')} free`;
    });
    return `no single node has room (${someOf(rooms, MOST_NAMED, '; ')})`;
  }
  const free = totalFree(shortage);
  const isShort = ([name, amount]: readonly [string, number]): boolean => amount > (free[name] ?? 0);
  // What is short comes first.
  const numbers = [...asked.filter(isShort), ...asked.filter((each) => !isShort(each))].map(
    ([name, amount]) =>
      `${name} ${formatResource(name, amount)} requested and ${formatResource(name, free[name] ?? 0)} free`,
  );
  return `${numbers.join(', ')} on ${someOf(nodes.map(({ name }) => name))}`;
}

function named(pods: readonly PodFact[]): string {
  const texts = pods.map(({ namespace, name, placement }) => {
    const needs = Object.entries(placement.requests).map(([what, amount]) => `${what} ${formatResource(what, amount)}`);
    return `${namespace}/${name}${needs.length === 0 ? '' : ` (${needs.join(', ')})`}`;
  });
  return someOf(texts);
}
