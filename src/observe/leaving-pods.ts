import type { PodFact } from '../cluster/cluster.ts';
import { leavesInDrain } from '../cluster/pod-in-drain.ts';
import type { LeavingPodFact } from '../facts/facts.ts';

/** Pods that somebody has told to go, as far as a drain of their node would wait for them. */
export function leavingPods(pods: readonly PodFact[]): readonly LeavingPodFact[] {
  return pods
    .filter(leavesInDrain)
    .flatMap(({ namespace, name, node, goneBy, terminationGraceSeconds, finalizers }) =>
      node === null || goneBy === null
        ? []
        : [{ namespace, name, node, goneBy, graceSeconds: terminationGraceSeconds, finalizers: [...finalizers] }],
    );
}
