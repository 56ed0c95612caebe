import { setTimeout as sleep } from 'node:timers/promises';
import { readJobs } from './cluster-objects.ts';
import { kubectl } from './kubectl.ts';
import type { Scene } from './scene.ts';

export type SeenJob = Awaited<ReturnType<typeof readJobs>>[number];

const POLL_MS = 1000;
/** Between two links there is a moment without an active Job. */
const QUIET_POLLS = 6;

/** Makes a Job of a CronJob, as an operator does it by hand, and waits for its end. */
export async function runCronJob(scene: Scene, cronJob: string): Promise<SeenJob> {
  const name = `${cronJob === 'k8s-version-check' ? 'check' : 'report'}-${Date.now().toString(36)}`;
  await kubectl(scene.lab, ['-n', 'k8s-upgrade', 'create', 'job', `--from=cronjob/${cronJob}`, name]);
  const deadline = Date.now() + 5 * 60_000;
  while (Date.now() < deadline) {
    const job = (await jobsOrNothing(scene))?.find((one) => one.name === name);
    if (job !== undefined && job.status !== 'active') return job;
    await sleep(POLL_MS);
  }
  throw new Error(`waiting for the Job ${name}: five minutes passed`);
}

export interface Night {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly check: SeenJob;
  readonly chain: readonly SeenJob[];
}

/** Detection, and the chain that it starts, to the end. */
export async function runNight(scene: Scene, minutes = 25): Promise<Night> {
  const startedAt = Date.now();
  const check = await runCronJob(scene, 'k8s-version-check');
  return { check, ...(await followChain(scene, startedAt, minutes)) };
}

export type FollowedChain = Omit<Night, 'check'>;

/** Until no Job of the chain is active any more. */
export async function followChain(scene: Scene, startedAt: number, minutes: number): Promise<FollowedChain> {
  const said = new Map<string, string>();
  const deadline = startedAt + minutes * 60_000;
  let chain: readonly SeenJob[] = [];
  for (let quiet = 0; quiet < QUIET_POLLS; ) {
    if (Date.now() > deadline) throw new Error(`following the chain: it has not ended after ${minutes} minutes`);
    const jobs = await jobsOrNothing(scene);
    if (jobs !== undefined) {
      // Those of earlier nights stay for a week.
      chain = jobs.filter((job) => job.chain && (job.createdAt >= startedAt - 1000 || job.status === 'active'));
      for (const job of chain) {
        const text = `${job.status}${job.failedPods === 0 ? '' : `, ${job.failedPods} pods failed`}`;
        if (said.get(job.name) !== text) scene.log(`${job.name}: ${text}`);
        said.set(job.name, text);
      }
      quiet = chain.some((job) => job.status === 'active') ? 0 : quiet + 1;
    }
    await sleep(POLL_MS);
  }
  return { startedAt, endedAt: Date.now() - QUIET_POLLS * POLL_MS, chain };
}

/** Undefined while the API server is away. */
async function jobsOrNothing(scene: Scene): Promise<readonly SeenJob[] | undefined> {
  return readJobs(scene.api).catch(() => undefined);
}

/** The morning after: the report's text as Slack got it is the last message. */
export async function runReport(scene: Scene): Promise<void> {
  const job = await runCronJob(scene, 'k8s-upgrade-nightly-report');
  if (job.status !== 'complete') throw new Error(`the report's Job ${job.name} is ${job.status}`);
}
