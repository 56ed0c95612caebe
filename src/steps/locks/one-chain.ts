import { Refused } from '../../chain/outcome.ts';
import { ownJobName } from '../../chain/own-job.ts';
import type { ActionStep } from '../../chain/phase.ts';
import type { JobFact } from '../../facts/facts.ts';
import { CHAIN_SELECTOR } from '../../observe/chain-jobs.ts';

/**
 * The active Job of another target that goes first; undefined when this chain may go on. Of two chains the older one
 * goes on and the younger one gives way, so that two that start at once do not both stop. Pure.
 */
export function chainThatGoesFirst(jobs: readonly JobFact[], target: string, ownName: string): JobFact | undefined {
  const active = jobs.filter((job) => job.status === 'active');
  const startOf = (of: string): string =>
    jobs
      .filter((job) => job.target === of)
      .map((job) => `${job.createdAt} ${job.name}`)
      .toSorted()[0] ?? '9999';
  const own = jobs.some((job) => job.name === ownName) ? startOf(target) : '9999';
  return active.find((job) => job.target !== target && startOf(job.target) < own);
}

/** Two chains must never take nodes away at the same time. */
export const oneChain: ActionStep = {
  name: 'one-chain',
  summary: 'no other chain is running',
  async run(context) {
    const { deps, signal, target } = context;
    // Which chain is the older one is asked only when there are two: thousands of Jobs may have ended well.
    const open = await deps.cluster.jobs(CHAIN_SELECTOR, signal, 'open');
    if (!open.some((job) => job.status === 'active' && job.target !== target)) return;
    const jobs = await deps.cluster.jobs(CHAIN_SELECTOR, signal);
    const own = await ownJobName(context, signal);
    const other = chainThatGoesFirst(jobs, target, own);
    if (other === undefined) return;
    throw new Refused([
      {
        check: 'one-chain',
        reason: 'OtherChainRunning',
        class: 'actionable',
        severity: 'block',
        message: `A chain for ${other.target} is running: Job ${other.name}`,
        remedy: 'Let it end (nightlift status), or stop it with `nightlift pause`; then start this one again.',
      },
    ]);
  },
};
