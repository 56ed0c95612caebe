import type { Context } from '../../chain/phase.ts';
import { nodeOf } from '../../chain/step.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import type { Nodes } from '../../facts/nodes.ts';
import {
  CONTROL_PLANE_TAINTS,
  describePlace,
  type Probe,
  type ProbePlace,
  probesAt,
  removeProbes,
  whyNotReached,
} from './probes.ts';
import type { SmokeCheck } from './smoke-check.ts';

/** A label of which every node has a value of its own is no generation. */
const MOST_PLACES = 30;

/** Where a pod without anything special may go. */
function takesPods({ ready, schedulable, taints }: NodeFact): boolean {
  const isHard = taints.some(({ key, effect }) => effect !== 'PreferNoSchedule' && !CONTROL_PLANE_TAINTS.includes(key));
  return ready === 'yes' && schedulable && !isHard;
}

/** One for each value of the label. Pure. */
export function placesOf(nodes: Nodes, label: string): readonly ProbePlace[] {
  const values = new Set(nodes.filter((node) => takesPods(node)).map(({ labels }) => labels[label] ?? null));
  return [...values].toSorted((a, b) => (a ?? '').localeCompare(b ?? '', 'en')).map((value) => ({ label, value }));
}

async function places({ deps, step, signal }: Context): Promise<readonly ProbePlace[]> {
  const node = nodeOf(step);
  return node === undefined ? placesOf(await deps.cluster.nodes(signal), deps.settings.smoke.podsPer) : [{ node }];
}

async function probes(context: Context): Promise<readonly Probe[] | string> {
  const { podsPer } = context.deps.settings.smoke;
  const where = await places(context);
  if (where.length > MOST_PLACES)
    return `${podsPer} has ${where.length} values, and pods are made for ${MOST_PLACES} at most; name a label of generations in smoke.podsPer`;
  return where.length === 0 ? 'no node takes pods' : await probesAt(context, where);
}

const runs = ({ pod }: Probe): boolean => pod?.ready === true && pod.ip !== null;

export const podsAreScheduled: SmokeCheck = {
  reason: 'PodsNotScheduled',
  what: 'a pod runs on each kind of node (smoke.podsPer)',
  remedy:
    'kubectl get pods -l app=k8s-upgrade-probe in our namespace, while it is looked, and its events; smoke.image is what they run.',
  isWanted: ({ smoke }) => smoke.podsPer !== '',
  async look(context) {
    const made = await probes(context);
    if (typeof made === 'string') return [made];
    return made
      .filter((probe) => !runs(probe))
      .map(({ place, pod }) => `${describePlace(place)}: ${whyNotRunning(pod)}`);
  },
  end: removeProbes,
};

function whyNotRunning(pod: Probe['pod']): string {
  if (pod === undefined) return 'its pod has not been made';
  if (pod.node === null) return pod.unschedulable ?? 'the scheduler has not said why';
  return `it does not start on ${pod.node} (${pod.phase})`;
}

/** From here to each, and from each to the next: over nodes of all kinds, and over one that was upgraded first. */
export const podsAreConnected: SmokeCheck = {
  reason: 'PodsNotConnected',
  what: 'pods reach each other across nodes',
  remedy:
    "Look at the CNI's pods on the nodes that are named, and at NetworkPolicies of our namespace; smoke.podNetwork decides whether it is asked.",
  isWanted: ({ smoke }) => smoke.podsPer !== '' && smoke.podNetwork,
  async look(context) {
    const made = await probes(context);
    if (typeof made === 'string') return [made];
    const lacking = made
      .filter((probe) => !runs(probe))
      .map(({ place }) => `there is no pod on ${describePlace(place)}`);
    const there = made.flatMap(({ pod }) =>
      pod?.ready === true && pod.ip !== null ? [{ ip: pod.ip, node: pod.node ?? '' }] : [],
    );
    const asked = await Promise.all(
      there.map(async ({ ip, node }, index) => {
        const next = there[(index + 1) % there.length];
        const here = await whyNotReached(ip, context.signal);
        if (here !== undefined) return [`from here to ${node}: ${here}`];
        if (next === undefined || next.ip === ip) return [];
        const onward = await whyNotReached(ip, context.signal, next.ip);
        return onward === undefined ? [] : [`from ${node} to ${next.node}: ${onward}`];
      }),
    );
    return [...lacking, ...asked.flat()];
  },
  end: removeProbes,
};
