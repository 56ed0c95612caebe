import type { Context } from '../phases/phase.ts';
import type { Holdup } from './drain-holdups.ts';

/**
 * Since when budgets have held the pods of a node back, as it stands on the Node beside our cordon: the Job that comes
 * after a killed one does not start the clocks of the policies anew. Under a person's cordon nothing is written, as
 * nobody would take it away; the clocks then begin with each Job.
 */
export interface DrainJournal {
  readonly isOurs: boolean;
  /** Time in UTC by uid. */
  readonly since: Map<string, string>;
}

export async function readJournal({ deps, signal }: Context, node: string): Promise<DrainJournal> {
  const held = await deps.cluster.heldSince(node, signal);
  return { isOurs: held !== undefined, since: new Map(Object.entries(held ?? {})) };
}

/** One write for all the pods that are held for the first time, before anything is done about them. */
export async function writeJournal(
  { deps, signal }: Context,
  node: string,
  { isOurs, since }: DrainJournal,
  holdups: Iterable<Holdup>,
): Promise<void> {
  const fresh = [...holdups]
    .filter(({ kind, pod }) => kind !== 'busy' && !since.has(pod.uid))
    .map(({ pod, sinceMs }) => [pod.uid, new Date(sinceMs).toISOString()] as const);
  if (!isOurs || fresh.length === 0) return;
  await deps.cluster.writeHeldSince(node, Object.fromEntries([...since, ...fresh]), signal);
  for (const [uid, at] of fresh) since.set(uid, at);
}
