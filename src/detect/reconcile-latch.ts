import { clearRun } from '../chain/run-record.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { JobFact } from '../facts/facts.ts';
import { readRun } from '../observe/run-record.ts';
import { giveBackRebootLock } from '../steps/locks/reboot-lock.ts';

const LEAKED_AFTER_HOURS = 12;

export type LatchState = 'none' | 'live' | 'waiting' | 'leaked';

/**
 * Whether the record of a running upgrade is true. It is leaked when no chain Job is active and the run was started
 * more than twelve hours ago, or at a time that cannot be read (I21).
 */
export function judgeLatch(startedAt: string | undefined, jobs: readonly JobFact[], now: Date): LatchState {
  if (startedAt === undefined) return 'none';
  if (jobs.some((job) => job.status === 'active')) return 'live';
  const age = now.getTime() - Date.parse(startedAt);
  return Number.isNaN(age) || age > LEAKED_AFTER_HOURS * 3_600_000 ? 'leaked' : 'waiting';
}

export interface Reconciled {
  readonly latch: LatchState;
  /** Of the run that is recorded. */
  readonly target: string | undefined;
  /** The chain Jobs that are left. */
  readonly jobs: readonly JobFact[];
}

/** kured's lock must not outlive its run; one that cannot be given back ends by its own time, and stops no night. */
async function returnLeftRebootLock(
  deps: Deps,
  run: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  if (run['kured-lock'] === undefined) return;
  try {
    await giveBackRebootLock({ deps, signal });
  } catch (error) {
    deps.log.warn("kured's lock could not be given back; it ends by itself", { error: reasonOf(error) });
  }
}

/** Clears a leaked latch with its terminal Jobs, so that its alerts end and the night starts clean. */
export async function reconcileLatch(deps: Deps, jobs: readonly JobFact[], signal: AbortSignal): Promise<Reconciled> {
  const run = await readRun({ deps, signal });
  const latch = judgeLatch(run['in-flight'], jobs, deps.clock.now());
  if (latch === 'leaked' || (latch === 'none' && !jobs.some((job) => job.status === 'active')))
    await returnLeftRebootLock(deps, run, signal);
  if (latch !== 'leaked') return { latch, target: run['target'], jobs };
  deps.log.warn('clearing the record of a run that ended without clearing it', {
    target: run['target'],
    started: run['in-flight'],
  });
  const terminal = jobs.filter((job) => job.status !== 'active');
  for (const job of terminal) await deps.cluster.deleteJob(job.name, signal);
  await clearRun({ deps, signal });
  return { latch, target: undefined, jobs: jobs.filter((job) => !terminal.includes(job)) };
}
