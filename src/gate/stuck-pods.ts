import { isStuck, stuckText } from '../cluster/stuck-pod.ts';
import type { LeavingPodFact } from '../facts/facts.ts';
import { someOf } from '../some-of.ts';
import type { Check } from './check.ts';
import { drainsNone, stillToDrain } from './still-to-drain.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'stuck-pods';
const MOST_NAMED = 20;

/**
 * A pod that has been terminating for longer than its grace period keeps the drain of its node from ending. Asked for all
 * nodes before the first one is changed; a node that is not Ready lets none go, and is the matter of another check.
 */
export const stuckPods: Check = {
  name: NAME,
  reads: ['leavingPods', 'nodes'],
  evaluate(facts, { options, target }) {
    const { severity } = options.stuckPods;
    if (facts.leavingPods === undefined || drainsNone(facts, target, options.drain)) return [];
    if (!facts.leavingPods.known) {
      const remedy = 'Look at kubectl get pods -A | grep Terminating.';
      return [{ ...unknownFinding(NAME, 'the terminating pods', facts.leavingPods.why, remedy), severity }];
    }
    const nowMs = Date.parse(facts.observedAt);
    const isDue = stillToDrain(facts, target, options.drain);
    const isDown = (name: string): boolean =>
      facts.nodes.known && facts.nodes.value.some((node) => node.name === name && node.ready !== 'yes');
    const stuck = facts.leavingPods.value.filter(
      ({ goneBy, node }) => isStuck(goneBy, nowMs) && isDue(node) && !isDown(node),
    );
    if (stuck.length === 0) return [];
    const nodes = [...new Set(stuck.map(({ node }) => node))].toSorted();
    return [
      {
        check: NAME,
        reason: 'PodStuck',
        class: 'actionable',
        severity,
        message: `${someOf(nodes, MOST_NAMED)} cannot be drained: ${named(stuck)}`,
        remedy: `kubectl get pods -A | grep Terminating, then kubectl -n NAMESPACE describe pod NAME: whoever has set a finalizer has to take it away; else a volume or the runtime of the node does not let the pod go (there: journalctl -u kubelet). Nothing is deleted by force.`,
      },
    ];
  },
};

function named(stuck: readonly LeavingPodFact[]): string {
  const texts = stuck.map(
    ({ namespace, name, node, ...pod }) => `pod ${namespace}/${name} on ${node} ${stuckText(pod)}`,
  );
  return someOf(texts, MOST_NAMED, '; ');
}
