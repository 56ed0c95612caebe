import { timeAgo } from '../age.ts';
import { RUN_LEASE } from '../chain/run-lock.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { JobFact } from '../facts/facts.ts';
import { otherChanges as changesSince, kindsOf, type RunInventory } from '../facts/inventory.ts';
import type { NodeFact, OtherNodeFact } from '../facts/node-fact.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { INVENTORY, inventoryIn } from '../observe/inventory.ts';
import { readKillSwitch } from '../observe/kill-switch.ts';
import { readRun } from '../observe/run-record.ts';
import { known, type Observed, unknown } from '../observed.ts';
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
  readonly nodes: readonly NodeFact[];
  readonly leftOut: readonly OtherNodeFact[];
  readonly jobs: readonly JobFact[];
  readonly run: Readonly<Record<string, string>>;
  readonly pause: Observed<{ readonly engaged: boolean; readonly reason: string }>;
  readonly quiesced: Observed<
    readonly { readonly namespace: string; readonly name: string; readonly replicasBefore: number }[]
  >;
  /** Who is changing the cluster right now; null for nobody. */
  readonly lock: Observed<string | null>;
  readonly detectorLastRun: Observed<string | null>;
  readonly inventory: Observed<RunInventory>;
  /** From before the newest run to its end, or to now, and not by it. */
  readonly otherChanges: readonly string[];
}

async function readStatus(deps: Deps, signal: AbortSignal): Promise<Status> {
  const [nodes, leftOut, jobs, run, pause, quiesced, lock, detectorLastRun] = await Promise.all([
    deps.cluster.nodes(signal),
    deps.cluster.otherNodes(signal),
    deps.cluster.jobs(CHAIN_SELECTOR, signal),
    readRun({ deps, signal }),
    readKillSwitch(deps, signal),
    attempt(async () => await deps.cluster.quiescedWorkloads(signal)),
    attempt(async () => (await deps.cluster.lease(RUN_LEASE, signal))?.holder || null),
    attempt(async () => {
      const gauge = (await deps.metrics.read(signal)).find(
        (item) => item.name === 'k8s_version_check_last_run_timestamp',
      );
      return gauge === undefined ? null : new Date(gauge.value * 1000).toISOString();
    }),
  ]);
  const inventory = await attempt(async () => inventoryIn(run, deps.settings));
  const { before, after } = inventory.known ? inventory.value : { before: null, after: null };
  const otherChanges = before === null ? [] : changesSince(before.kinds, after?.kinds ?? kindsOf(nodes));
  const record = Object.entries(run).filter(([key]) => !Object.values<string>(INVENTORY).includes(key));
  return {
    nodes,
    leftOut,
    jobs,
    run: Object.fromEntries(record),
    pause,
    quiesced,
    lock,
    detectorLastRun,
    inventory,
    otherChanges,
  };
}

async function attempt<T>(ask: () => Promise<T>): Promise<Observed<T>> {
  try {
    return known(await ask());
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

function print(output: Output, status: Status, now: Date): void {
  const { pause, run } = status;
  if (!pause.known)
    output.line(paint(output, 'red', `Paused: the kill switch cannot be read, which counts as engaged: ${pause.why}`));
  else if (pause.value.engaged)
    output.line(
      paint(output, 'yellow', `Paused${pause.value.reason === '' ? '' : `: ${pause.value.reason}`} (nightlift resume)`),
    );
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
  if (status.lock.known && status.lock.value !== null) output.line(`At work: ${status.lock.value}`);
  const detector = status.detectorLastRun;
  output.line(
    `Detector: ${!detector.known ? `unknown (${detector.why})` : detector.value === null ? 'has not run yet' : `last run ${timeAgo(detector.value, now)}`}`,
  );
  if (status.otherChanges.length > 0)
    output.line(
      paint(output, 'yellow', `Changed during the last run, and not by it: ${status.otherChanges.join('; ')}`),
    );
  output.line();
  for (const row of table([['NODE', 'ROLE', 'KUBELET', 'API SERVER', 'READY', 'CORDON'], ...status.nodes.map(nodeRow)]))
    output.line(row);
  for (const { name, kubelet, why } of status.leftOut) output.line(`Left out: ${name} (${kubelet}): ${why}`);
  if (status.jobs.length > 0) {
    output.line();
    const rows = status.jobs
      .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))
      .map((job) => [job.name, job.status + whyOf(job), job.runner ?? '(any)', timeAgo(job.createdAt, now)]);
    for (const row of table([['JOB', 'STATUS', 'RUNS ON', 'CREATED'], ...rows])) output.line(row);
  }
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

function whyOf({ reason, died }: JobFact): string {
  const why = [reason, died === undefined ? '' : `its last pod was ${died}`].filter((part) => part !== '');
  return why.length === 0 ? '' : ` (${why.join('; ')})`;
}

function nodeRow(node: NodeFact): readonly string[] {
  const cordon = node.schedulable
    ? '-'
    : node.cordonedBy === null
      ? 'by somebody else'
      : `by Nightlift for ${node.cordonedBy}`;
  return [node.name, node.role, node.kubelet, node.apiServer ?? '-', node.ready, cordon];
}
