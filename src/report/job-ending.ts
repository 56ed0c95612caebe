import type { Facts, JobFact } from '../facts/facts.ts';

/** How a Job ended that its own status calls complete: the run stopped in it, by decision. */
export type JobEnding = {
  readonly as: 'blocked' | 'held' | 'paused' | 'unsaid';
  readonly takenBack: readonly string[];
};

/**
 * The note has the clock of the node that ran the Job, the Job that of the API server; a preflight can refuse within seconds.
 * Less than the detector's clock is allowed: a run started by hand can stop minutes before the next one.
 */
export const NOTE_BEFORE_JOB_MS = 30_000;

const RANKS = ['preflight', 'master', 'worker', 'postflight'];

/**
 * A Job that refuses, or that a pause stops, has done what it is for: its status is complete. Whoever goes on makes the next Job
 * before that, so a complete one that nothing followed has stopped; why stands in the record of the run. undefined: it went on.
 */
export function endingOf(job: JobFact, jobs: readonly JobFact[], run: Facts['run']): JobEnding | undefined {
  if (job.status !== 'complete' || job.phase === '') return undefined;
  if (jobs.some((other) => follows(other, job))) return undefined;
  const { stoppedAs, stoppedStep, stoppedAt, takenBack = [] } = run.known ? run.value : NOT_KNOWN;
  const isOfIt =
    stoppedStep === stepOf(job) &&
    stoppedAt !== null &&
    Date.parse(stoppedAt) >= Date.parse(job.createdAt) - NOTE_BEFORE_JOB_MS;
  // Nothing follows a postflight that has closed its run.
  if (!isOfIt || !stoppedAs || stoppedAs === 'failed')
    return job.phase === 'postflight' ? undefined : { as: 'unsaid', takenBack: [] };
  return { as: stoppedAs, takenBack };
}

const NOT_KNOWN = { stoppedAs: null, stoppedStep: null, stoppedAt: null, takenBack: [] };

/** Creation times are whole seconds: within one, a later phase and another node count as later. */
function follows(other: JobFact, job: JobFact): boolean {
  if (other.target !== job.target || other.name === job.name) return false;
  if (other.createdAt > job.createdAt) return true;
  return other.createdAt === job.createdAt && RANKS.indexOf(other.phase) >= RANKS.indexOf(job.phase);
}

const WORDS = {
  blocked: 'refused',
  held: 'refused, held',
  paused: 'paused',
  unsaid: 'complete, and nothing followed it',
} as const;

/** 'refused, and taken back: cordon'. */
export function endingText({ as, takenBack }: JobEnding): string {
  return `${WORDS[as]}${takenBack.length === 0 ? '' : `, and taken back: ${takenBack.join(', ')}`}`;
}

/** 'worker worker-2', 'preflight'. */
export function stepOf(job: JobFact): string {
  return job.node === null ? job.phase : `${job.phase} ${job.node}`;
}
