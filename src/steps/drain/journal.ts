import type { Context } from '../../chain/phase.ts';
import type { Holdup } from './holdups.ts';

/**
 * Time in UTC by uid: since when budgets have held the pods of a node back. It stands on the Node beside the mark of the
 * step, whoever has cordoned it, so that the Job that comes after a killed one does not start the clocks of the policies anew.
 */
export type DrainJournal = Map<string, string>;

export async function readJournal({ deps, signal }: Context, node: string): Promise<DrainJournal> {
  return new Map(Object.entries(await deps.cluster.heldSince(node, signal)));
}

/** One write for all the pods that are held for the first time, before anything is done about them. */
export async function writeJournal(
  { deps, signal }: Context,
  node: string,
  journal: DrainJournal,
  holdups: Iterable<Holdup>,
): Promise<void> {
  const fresh = [...holdups]
    .filter(({ kind, pod }) => kind !== 'busy' && !journal.has(pod.uid))
    .map(({ pod, sinceMs }) => [pod.uid, new Date(sinceMs).toISOString()] as const);
  if (fresh.length === 0) return;
  await deps.cluster.writeHeldSince(node, Object.fromEntries([...journal, ...fresh]), signal);
  for (const [uid, at] of fresh) journal.set(uid, at);
}
