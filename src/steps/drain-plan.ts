import type { PodFact } from '../cluster/cluster.ts';

export interface DrainPolicy {
  readonly deleteBarePods: boolean;
}

export type DrainPlan =
  | { readonly kind: 'evict'; readonly pods: readonly PodFact[] }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/**
 * Which pods of a node have to go, by the rules of `kubectl drain --ignore-daemonsets --delete-emptydir-data`
 * (kubectl `pkg/drain/filters.go`): static pods and DaemonSet pods stay, finished pods go whatever they are.
 */
export function planDrain(pods: readonly PodFact[], policy: DrainPolicy): DrainPlan {
  const going: PodFact[] = [];
  const problems: string[] = [];
  for (const pod of pods) {
    const finished = pod.phase === 'Succeeded' || pod.phase === 'Failed';
    if (pod.mirror || (pod.owner?.kind === 'DaemonSet' && !finished)) continue;
    if (pod.owner === null && !finished && !policy.deleteBarePods) {
      problems.push(`${pod.namespace}/${pod.name} has no owner: nothing would create it again`);
      continue;
    }
    going.push(pod);
  }
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'evict', pods: going };
}
