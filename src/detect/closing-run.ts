import type { Deps } from '../deps.ts';
import type { JobFact } from '../facts/facts.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { readRun } from '../observe/run-record.ts';

const POLL_MS = 2000;
const LONGEST_MS = 120_000;

/** The Jobs of the chain. A postflight that has closed its run only has to end, as one that has started this detection: that is waited for. */
export async function settledJobs(deps: Deps, signal: AbortSignal): Promise<readonly JobFact[]> {
  for (let waited = 0; ; waited += POLL_MS) {
    const jobs = await deps.cluster.jobs(CHAIN_SELECTOR, signal);
    const active = jobs.filter(({ status }) => status === 'active');
    const mayBeClosing = active.length > 0 && active.every(({ phase }) => phase === 'postflight');
    if (!mayBeClosing || waited >= LONGEST_MS) return jobs;
    if ((await readRun({ deps, signal }))['in-flight'] !== undefined) return jobs;
    await deps.clock.sleep(POLL_MS, signal);
  }
}
