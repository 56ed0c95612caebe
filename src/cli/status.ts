import { timeAgo } from '../age.ts';
import { RUN_LEASE } from '../chain/run-lock.ts';
import { isForbidden } from '../cluster/kube-error.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { Facts, JobFact } from '../facts/facts.ts';
import { otherChanges as changesSince, kindsOf, type RunInventory } from '../facts/inventory.ts';
import type { LastLook } from '../facts/last-look.ts';
import type { NodeFact, OtherNodeFact } from '../facts/node-fact.ts';
import { controlPlanes, marksOf, workers } from '../facts/nodes.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { INVENTORY, inventoryIn } from '../observe/inventory.ts';
import { readKillSwitch } from '../observe/kill-switch.ts';
import { readLastLook } from '../observe/last-look.ts';
import { readRun, recordedRun } from '../observe/run-record.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { endingOf, endingText } from '../report/job-ending.ts';
import { sayWindow } from '../settings/window-at.ts';
import { type Call, EXIT } from './call/command.ts';
import { type Output, paint, table } from './call/output.ts';
import { withSession } from './call/session.ts';

export async function run(call: Call): Promise<number> {
  return await withSession(
    call,
    async ({ deps }) => {
      const status = await readStatus(deps, call.signal);
      print(call.output, status, deps.clock.now());
      call.output.json(status);
      return EXIT.done;
    },
    'spared',
  );
}

interface Status {
  readonly nodes: Observed<readonly NodeFact[]>;
  readonly leftOut: Observed<readonly OtherNodeFact[]>;
  readonly jobs: Observed<readonly JobFact[]>;
  readonly run: Observed<Readonly<Record<string, string>>>;
  readonly pause: Observed<{ readonly engaged: boolean; readonly reason: string }>;
  readonly quiesced: Observed<
    readonly { readonly namespace: string; readonly name: string; readonly replicasBefore: number }[]
  >;
  /** Who is changing the cluster right now; null for nobody. */
  readonly lock: Observed<string | null>;
  readonly lastLook: Observed<LastLook | null>;
  readonly inventory: Observed<RunInventory>;
  /** From before the newest run to its end, or to now, and not by it. */
  readonly otherChanges: readonly string[];
  /** When a run may act; null: there is none, or the settings are lost, which is said. */
  readonly window: string | null;
}

async function readStatus(deps: Deps, signal: AbortSignal): Promise<Status> {
  const [nodes, leftOut, jobs, run, pause, quiesced, lock, lastLook] = await Promise.all([
    ifAllowed(async () => await deps.cluster.nodes(signal)),
    ifAllowed(async () => await deps.cluster.otherNodes(signal)),
    ifAllowed(async () => await deps.cluster.jobs(CHAIN_SELECTOR, signal)),
    ifAllowed(async () => await readRun({ deps, signal })),
    readKillSwitch(deps, signal),
    attempt(async () => await deps.cluster.quiescedWorkloads(signal)),
    attempt(async () => (await deps.cluster.lease(RUN_LEASE, signal))?.holder || null),
    attempt(async () => await readLastLook(deps, signal)),
  ]);
  const inventory = run.known ? await attempt(async () => inventoryIn(run.value, deps.settings)) : run;
  const { before, after } = inventory.known ? inventory.value : { before: null, after: null };
  const kinds = after?.kinds ?? (nodes.known ? kindsOf(nodes.value) : undefined);
  const otherChanges = before === null || kinds === undefined ? [] : changesSince(before.kinds, kinds);
  return {
    nodes,
    leftOut,
    jobs,
    run: run.known ? known(withoutInventory(run.value)) : run,
    pause,
    quiesced,
    lock,
    lastLook,
    inventory,
    otherChanges,
    window: deps.settings.window === null ? null : sayWindow(deps.settings.window, deps.clock.now()),
  };
}

/** The inventory has a place of its own. */
function withoutInventory(run: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(run).filter(([key]) => !Object.values<string>(INVENTORY).includes(key)));
}

/** Whoever may see no more than our namespace gets that. Any other error is one of the whole command. */
async function ifAllowed<T>(ask: () => Promise<T>): Promise<Observed<T>> {
  try {
    return known(await ask());
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return unknown(reasonOf(error));
  }
}

async function attempt<T>(ask: () => Promise<T>): Promise<Observed<T>> {
  try {
    return known(await ask());
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

function print(output: Output, status: Status, now: Date): void {
  const { pause, nodes, jobs } = status;
  const recorded = status.run.known ? known(recordedRun(status.run.value)) : status.run;
  if (!pause.known)
    output.line(paint(output, 'red', `Paused: the kill switch cannot be read, which counts as engaged: ${pause.why}`));
  else if (pause.value.engaged)
    output.line(
      paint(output, 'yellow', `Paused${pause.value.reason === '' ? '' : `: ${pause.value.reason}`} (nightlift resume)`),
    );
  printRun(output, status.run, now);
  if (status.window !== null) output.line(`Window: ${status.window}`);
  if (status.lock.known && status.lock.value !== null) output.line(`At work: ${status.lock.value}`);
  const { lastLook } = status;
  output.line(
    `Detector: ${!lastLook.known ? `unknown (${lastLook.why})` : lastLook.value === null ? 'has not run yet' : `last run ${timeAgo(lastLook.value.at, now)}: ${lookText(lastLook.value)}`}`,
  );
  if (status.otherChanges.length > 0)
    output.line(
      paint(output, 'yellow', `Changed during the last run, and not by it: ${status.otherChanges.join('; ')}`),
    );
  output.line();
  if (!nodes.known) output.line(paint(output, 'yellow', `Nodes: unknown (${nodes.why})`));
  else
    for (const row of table([
      ['NODE', 'ROLE', 'KUBELET', 'API SERVER', 'READY', 'CORDON'],
      ...[...controlPlanes(nodes.value), ...workers(nodes.value)].map(nodeRow),
    ]))
      output.line(row);
  for (const { name, kubelet, why } of status.leftOut.known ? status.leftOut.value : [])
    output.line(`Left out: ${name} (${kubelet}): ${why}`);
  if (!jobs.known) output.line(paint(output, 'yellow', `Jobs: unknown (${jobs.why})`));
  else printJobs(output, jobs.value, recorded, now);
  const quiesced = status.quiesced;
  if (!quiesced.known) output.line(paint(output, 'yellow', `Quiesced workloads: unknown (${quiesced.why})`));
  else
    for (const item of quiesced.value)
      output.line(
        paint(
          output,
          'yellow',
          `Scaled to zero by Nightlift: ${item.namespace}/${item.name} (had ${item.replicasBefore})`,
        ),
      );
}

function lookText({ outcome, target, verdict, reason, findings }: LastLook): string {
  const words = {
    paused: 'paused',
    unknown: 'found nothing out',
    nothing: 'nothing to do',
    refused: `${verdict ?? 'refused'} by ${findings.join(', ')}`,
    running: 'a chain was running',
    'dry-run': 'nothing started, the setting dryRun is on',
    started: 'started the chain',
    failed: 'failed',
  } as const;
  return `${target === null ? '' : `${target}, `}${words[outcome]}${reason === '' ? '' : ` (${reason})`}`;
}

function printRun(output: Output, recorded: Status['run'], now: Date): void {
  if (!recorded.known) {
    output.line(paint(output, 'yellow', `Whether an upgrade is recorded as running: unknown (${recorded.why})`));
    return;
  }
  const run = recorded.value;
  output.line(
    run['in-flight'] === undefined
      ? 'No upgrade is recorded as running.'
      : `Upgrade to ${run['target'] ?? '?'} recorded as running since ${run['in-flight']}${run['snapshot-path'] === undefined ? '' : `, snapshot ${run['snapshot-path']}`}.`,
  );
  if (run['stopped'] !== undefined) {
    const since = run['stopped-at'] === undefined ? '' : ` ${timeAgo(run['stopped-at'], now)}`;
    output.line(paint(output, 'yellow', `It stopped${since}: ${run['stopped']}`));
  }
  if (run['kured-lock'] !== undefined)
    output.line(paint(output, 'yellow', `kured's lock is held by Nightlift until the run ends: ${run['kured-lock']}`));
}

function printJobs(output: Output, jobs: readonly JobFact[], run: Facts['run'], now: Date): void {
  if (jobs.length === 0) return;
  output.line();
  const rows = jobs
    .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))
    .map((job) => [job.name, jobStatus(job, jobs, run), job.runner ?? '(any)', timeAgo(job.createdAt, now)]);
  for (const row of table([['JOB', 'STATUS', 'RUNS ON', 'CREATED'], ...rows])) output.line(row);
}

function jobStatus(job: JobFact, jobs: readonly JobFact[], run: Facts['run']): string {
  const ending = endingOf(job, jobs, run);
  if (ending !== undefined) return endingText(ending);
  const { reason, died } = job;
  const why = [reason, died === undefined ? '' : `its last pod was ${died}`].filter((part) => part !== '');
  return `${job.status}${why.length === 0 ? '' : ` (${why.join('; ')})`}`;
}

function nodeRow(node: NodeFact): readonly string[] {
  const cordon = node.schedulable
    ? '-'
    : node.cordonedBy === null
      ? 'by somebody else'
      : `by Nightlift for ${node.cordonedBy}`;
  const marks = marksOf(node);
  const column = [...(cordon === '-' && marks.length > 0 ? [] : [cordon]), ...marks].join('; ');
  return [node.name, node.role, node.kubelet, node.apiServer ?? '-', node.ready, column];
}
