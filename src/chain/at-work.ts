import type { Deps } from '../deps.ts';
import type { JobFact } from '../facts/facts.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { isParallel } from '../settings/rollout.ts';
import { nodeOf, type Step } from './step.ts';

/** Workers whose Jobs have not ended, of whichever target. */
export function busyWorkers(jobs: readonly JobFact[]): ReadonlySet<string> {
  const open = jobs.filter(({ phase, status }) => phase === 'worker' && (status === 'active' || status === 'deleting'));
  return new Set(open.flatMap(({ node }) => node ?? []));
}

/** Workers that other Jobs are at work on; where one goes after the other, there are none, and nobody is asked. */
export async function othersAtWork({
  deps,
  step,
  signal,
}: {
  readonly deps: Pick<Deps, 'cluster' | 'settings'>;
  readonly step: Step;
  readonly signal: AbortSignal;
}): Promise<ReadonlySet<string>> {
  if (!isParallel(deps.settings.rollout)) return new Set();
  const busy = busyWorkers(await deps.cluster.jobs(CHAIN_SELECTOR, signal, 'open'));
  return new Set([...busy].filter((name) => name !== nodeOf(step)));
}
