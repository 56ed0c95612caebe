import type { Context } from '../../chain/phase.ts';
import type { PodFact, PodOwner } from '../../cluster/cluster.ts';
import { nameOf } from './names.ts';

/**
 * Why a rollout would not put a new pod up elsewhere before the old one goes; undefined when it does: then the budget's
 * pod count never falls, and the node is cordoned, so the new pod comes up on another one.
 */
export function whyNotRestart(owner: PodOwner | undefined, pod: PodFact): string | undefined {
  if (owner === undefined) return 'its owner is no Deployment that is there';
  const name = `${owner.kind} ${owner.namespace}/${owner.name}`;
  if (owner.kind === 'StatefulSet') return `${name} makes a new pod only when the old one is gone`;
  if (owner.paused) return `${name} is paused`;
  if (owner.replicas !== 1)
    return `${name} has ${owner.replicas} replicas, and only one of a single replica is restarted`;
  if (owner.rolling === null) return `${name} has the strategy Recreate, which lets the old pod go first`;
  if (owner.rolling.surge < 1 || owner.rolling.unavailable > 0)
    return `${name} lets the old pod go first: it needs maxSurge 1 and maxUnavailable 0`;
  if (pod.usesClaim) return `${name} has a volume claim, which two nodes can rarely have at the same time`;
  return undefined;
}

export interface Restart {
  readonly helps: boolean;
  /** What to tell. */
  readonly note: string;
}

/** Rolls the owner once, however often it is asked: the pods that a restart made carry its time. */
export async function restartOwner({ deps, signal }: Context, pod: PodFact): Promise<Restart> {
  const owner = await deps.cluster.ownerOf(pod, signal);
  const whyNot = whyNotRestart(owner, pod);
  if (whyNot !== undefined || owner === undefined) {
    deps.log.warn('the owner cannot be restarted without a gap', { pod: nameOf(pod), why: whyNot });
    return { helps: false, note: `restart-owner does not help: ${whyNot}` };
  }
  const name = `${owner.kind} ${owner.namespace}/${owner.name}`;
  const restart = { helps: true, note: `${name} is being restarted` };
  // An earlier Job has told it already, and this pod is still one from before.
  if (owner.restartedAt !== null && owner.restartedAt !== pod.restartedAt) return restart;
  await deps.cluster.restart(owner, deps.clock.now().toISOString(), signal);
  deps.log.info('restarting the owner, so that its next pod is Ready elsewhere first', {
    pod: nameOf(pod),
    owner: name,
  });
  return restart;
}
