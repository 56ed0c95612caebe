import type { Facts, JobFact } from '../facts/facts.ts';
import { compareVersions } from '../version.ts';
import { endingOf } from './job-ending.ts';

export interface ChainState {
  /** Oldest first. */
  readonly recent: readonly JobFact[];
  readonly active: readonly JobFact[];
  /** The newest failure that nothing has made good since. */
  readonly failed: JobFact | undefined;
  /** Targets for which postflight completed within the window. */
  readonly finished: readonly string[];
  /** A target of which control planes or workers were upgraded within the window, without a finished postflight. */
  readonly unfinished: string | undefined;
}

/** `halfDone`: then failures count however old they are. */
export function chainState(jobs: readonly JobFact[], facts: Facts, windowHours: number, halfDone: boolean): ChainState {
  const since = Date.parse(facts.observedAt) - windowHours * 3_600_000;
  const chain = jobs
    .filter((job) => job.phase !== '' && job.status !== 'deleting')
    .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  const recent = chain.filter((job) => job.status === 'active' || endOf(job) >= since);
  const isFinish = (job: JobFact): boolean =>
    isComplete(job, 'postflight') && endingOf(job, chain, facts.run) === undefined;
  const finished = recent.filter((job) => isFinish(job)).map((job) => job.target);
  // A postflight that did not close the run tells of one whose nodes may have been upgraded days ago.
  const worked = recent.findLast((job) => isComplete(job, 'master', 'worker', 'postflight'));
  return {
    recent,
    active: chain.filter((job) => job.status === 'active'),
    failed: chain
      .filter((job) => job.status === 'failed' && (halfDone || endOf(job) >= since) && !madeGood(job, chain, isFinish))
      .toSorted((a, b) => endOf(a) - endOf(b))
      .at(-1),
    finished,
    unfinished: worked === undefined || finished.includes(worked.target) ? undefined : worked.target,
  };
}

/** A finished run for the same or a newer version, or another Job that did the same step later. */
function madeGood(failed: JobFact, jobs: readonly JobFact[], isFinish: (job: JobFact) => boolean): boolean {
  return jobs.some((job) => {
    if (job.status !== 'complete' || Date.parse(job.createdAt) <= Date.parse(failed.createdAt)) return false;
    if (isFinish(job))
      return failed.target === '' || job.target === '' || compareVersions(job.target, failed.target) >= 0;
    return (
      job.phase !== 'postflight' &&
      job.phase === failed.phase &&
      job.node === failed.node &&
      job.target === failed.target
    );
  });
}

function isComplete(job: JobFact, ...phases: readonly string[]): boolean {
  return phases.includes(job.phase) && job.status === 'complete';
}

function endOf(job: JobFact): number {
  return Date.parse(job.finishedAt ?? job.createdAt);
}
