import { z } from 'zod';
import { reasonOf } from '../../errors.ts';
import { NOTED } from '../../observe/run-record.ts';
import type { SmokeCheck } from './smoke-check.ts';

/** How many are up, by job. */
const Targets = z.record(z.string(), z.number());
type Targets = z.infer<typeof Targets>;

/** Pure. */
export function missingTargets(before: Targets, now: Targets, ignored: readonly string[]): readonly string[] {
  return Object.entries(before)
    .filter(([job, count]) => !ignored.includes(job) && (now[job] ?? 0) < count)
    .map(([job, count]) => `${now[job] ?? 0} of ${count} targets of job ${job} are up`);
}

export const targetsAreUp: SmokeCheck = {
  reason: 'TargetsDown',
  what: 'the targets of Prometheus are up as before',
  remedy: 'The page /targets of Prometheus says why each is not; smoke.ignoreJobs leaves out those that come and go.',
  isWanted: ({ smoke }) => smoke.targets,
  note: {
    key: NOTED.targets,
    text: async ({ deps, signal }) => JSON.stringify(await deps.alerts.targetsUp(signal)),
  },
  async look({ deps, signal }, before) {
    let now: Targets;
    try {
      now = await deps.alerts.targetsUp(signal);
    } catch (error) {
      signal.throwIfAborted();
      return [reasonOf(error)];
    }
    return missingTargets(Targets.parse(JSON.parse(before)), now, deps.settings.smoke.ignoreJobs);
  },
};
