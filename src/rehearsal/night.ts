import { jobs as jobResource } from './api/resources.ts';
import { isOver, type JobView, jobViews, type NodeView, nodeViews, openJobs } from './cluster-view.ts';
import { NAMESPACE } from './deployment-objects.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';
import { type NightOutcome, outcomeOf, type Refusal, refusalsOf, targetOf } from './night-outcome.ts';

/** What a night came to, read from the cluster and from what its Jobs said. */
export interface Night {
  readonly outcome: NightOutcome;
  /** X.Y.Z that the night went for; null when there was none. */
  readonly target: string | null;
  readonly nodes: readonly NodeView[];
  readonly jobs: readonly JobView[];
  readonly refusals: readonly Refusal[];
  /** The report of the morning. */
  readonly slack: string;
  /** Everything that came to Slack before it. */
  readonly messages: readonly string[];
}

export interface NightOptions {
  readonly signal?: AbortSignal;
  /** Called over and over while the night goes on; what it throws ends the night. */
  readonly onTick?: () => void;
  /** What a person runs, instead of the detector's hour. */
  readonly command?: readonly string[];
  readonly onLine?: (line: string) => void;
  /** The night is given up after so many milliseconds. */
  readonly limitMs?: number;
}

const TICK_MS = 100;
/** A Job that failed and is created again leaves a moment without one. */
const QUIET_MS = 500;
const LIMIT_MS = 240_000;

/** A whole night: the detector's hour or a person's command, the chain to its end, the report in the morning. */
export async function runNight(cluster: EmbeddedCluster, options: NightOptions = {}): Promise<Night> {
  const linesBefore = cluster.logs.lines().length;
  const messagesBefore = cluster.slack.messages.length;
  const end = Date.now() + (options.limitMs ?? LIMIT_MS);
  if (options.command === undefined) await runCronJob(cluster, 'k8s-version-check', options, end);
  else await runCommand(cluster, options.command, options, end);
  let quietSince = Date.now();
  await waitFor('the chain to end', options, end, () => {
    if (openJobs(cluster).length > 0) quietSince = Date.now();
    return Date.now() - quietSince >= QUIET_MS;
  });
  const messages = cluster.slack.messages.slice(messagesBefore).map(({ text }) => text);
  const lines = cluster.logs.lines().slice(linesBefore);
  await runCronJob(cluster, 'k8s-upgrade-nightly-report', options, end);
  const facts = { lines, nodes: nodeViews(cluster), jobs: jobViews(cluster), target: targetOf(lines) };
  return {
    outcome: outcomeOf(facts),
    target: facts.target,
    nodes: facts.nodes,
    jobs: facts.jobs,
    refusals: refusalsOf(lines),
    slack: cluster.slack.messages.slice(messagesBefore + messages.length).at(-1)?.text ?? '',
    messages,
  };
}

/** The Job of a CronJob, as `kubectl create job --from` makes it, to its end. */
async function runCronJob(cluster: EmbeddedCluster, name: string, options: NightOptions, end: number): Promise<void> {
  const { metadata } = cluster.controllers.trigger(name, NAMESPACE);
  await waitFor(`the Job of CronJob ${name}`, options, end, () => {
    const job = cluster.server.store.get(jobResource, metadata.name, NAMESPACE);
    return job === undefined || isOver(job.status.conditions);
  });
}

async function runCommand(
  cluster: EmbeddedCluster,
  command: readonly string[],
  options: NightOptions,
  end: number,
): Promise<void> {
  const { signal, onLine } = options;
  let isOver = false;
  const running = cluster.person(command, { signal, onLine }).finally(() => {
    isOver = true;
  });
  await Promise.all([running, waitFor(`nightlift ${command.join(' ')}`, options, end, () => isOver)]);
}

async function waitFor(what: string, options: NightOptions, end: number, isDone: () => boolean): Promise<void> {
  for (;;) {
    options.signal?.throwIfAborted();
    options.onTick?.();
    if (isDone()) return;
    if (Date.now() > end) throw new Error(`waiting for ${what}: the night did not end in time`);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}
