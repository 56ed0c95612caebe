import { Refused } from '../../chain/outcome.ts';
import type { ActionStep } from '../../chain/phase.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { formatResource } from '../../cluster/quantity.ts';
import { hasTargetVersion } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import { logFinding } from '../../gate/log-finding.ts';
import { planHeadroom, type Shortage, totalFree } from './headroom-fit.ts';

/** Looked at before the cordon: a drain whose pods have nowhere to go is an outage that needs no beginning. */
export const headroom: ActionStep = {
  name: 'headroom',
  summary: "the other nodes have room for the node's pods",
  async skip(context) {
    if (context.deps.settings.drain.headroom === 'off') return 'drain.headroom is off';
    const { cordonedBy } = await context.node();
    return cordonedBy === null ? undefined : 'an earlier Job has begun to drain the node';
  },
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run(context) {
    const { deps, signal } = context;
    const { name } = await context.node();
    const [nodes, pods] = await Promise.all([deps.cluster.nodes(signal), deps.cluster.pods({}, signal)]);
    const { pinned, shortage, unsure } = planHeadroom(name, nodes, pods);
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
    const rooms = nodes.slice(0, MOST_NAMED).map(({ name, free }) => {
      const there = asked.map(([resource]) => `${resource} ${formatResource(resource, free[resource] ?? 0)}`);
      return `${name} has ${there.join(', ')} free`;
    });
    return `no single node has room (${rooms.join('; ')})`;
  }
  const free = totalFree(shortage);
  const isShort = ([name, amount]: readonly [string, number]): boolean => amount > (free[name] ?? 0);
  // What is short comes first.
  const numbers = [...asked.filter(isShort), ...asked.filter((each) => !isShort(each))].map(
    ([name, amount]) =>
      `${name} ${formatResource(name, amount)} requested and ${formatResource(name, free[name] ?? 0)} free`,
  );
  return `${numbers.join(', ')} on ${nodes.map(({ name }) => name).join(', ')}`;
}

function named(pods: readonly PodFact[]): string {
  const texts = pods.slice(0, MOST_NAMED).map(({ namespace, name, placement }) => {
    const needs = Object.entries(placement.requests).map(([what, amount]) => `${what} ${formatResource(what, amount)}`);
    return `${namespace}/${name}${needs.length === 0 ? '' : ` (${needs.join(', ')})`}`;
  });
  const more = pods.length - texts.length;
  return `${texts.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
