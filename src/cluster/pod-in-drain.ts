import type { PodFact } from './cluster.ts';

export function isFinished({ phase }: PodFact): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Static pods and DaemonSet pods stay on a node that is drained; finished pods go whatever they are. */
export function leavesInDrain(pod: PodFact): boolean {
  return !pod.mirror && (isFinished(pod) || pod.owner?.kind !== 'DaemonSet');
}

/** Those that a budget can hold: the API deletes the others without asking any budget. */
export function needsEviction(pod: PodFact): boolean {
  return leavesInDrain(pod) && !isFinished(pod) && !pod.deleting && pod.phase !== 'Pending';
}
