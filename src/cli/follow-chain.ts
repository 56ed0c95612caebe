import { z } from 'zod';
import { isUnavailable } from '../cluster/kube-error.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { JobFact } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { controlPlanes, isOnTarget, workers } from '../facts/nodes.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { readRun } from '../observe/run-record.ts';
import { someOf } from '../some-of.ts';
import { type Call, EXIT } from './call/command.ts';
import { paint } from './call/output.ts';

const POLL_MS = 2000;
/** Between two links there is a moment without an active Job. */
const QUIET_POLLS = 5;
const LOG_LINES = 20;

/** How a command ended: its exit code, and the object that it prints for programs. */
export interface Ended {
  readonly code: number;
  readonly said: Readonly<Record<string, unknown>>;
  /** Every node is on the version, and the run is closed. */
  readonly isReached?: boolean;
  readonly snapshot?: Snapshot | undefined;
}

interface Snapshot {
  readonly file: string;
  /** Null: nobody has written it down. */
  readonly bytes: number | null;
}

/** Prints what changes until the chain has ended; says how from the cluster, not from a Job's last line. */
export async function followChain(call: Call, deps: Deps, target: string): Promise<Ended> {
  const { output, signal } = call;
  const startedAt = deps.clock.now().getTime();
  const said = new Map<string, string>();
  const say = (key: string, text: string): void => {
    if (said.get(key) === text) return;
    said.set(key, text);
    output.line(`${deps.clock.now().toISOString().slice(11, 19)} ${text}`);
  };
  let quiet = 0;
  let snapshot: Snapshot | undefined;
  for (;;) {
    try {
      const jobs = (await deps.cluster.jobs(CHAIN_SELECTOR, signal)).filter((job) => job.target === target);
      const nodes = await deps.cluster.nodes(signal);
      const run = await readRun({ deps, signal });
      for (const job of jobs) say(job.name, `${job.name}: ${job.status}${aboutJob(job)}`);
      // Gone from the record when the run is closed.
      snapshot = snapshotOf(run, target) ?? snapshot;
      if (snapshot !== undefined) say('snapshot', snapshotText(snapshot));
      for (const node of [...controlPlanes(nodes), ...workers(nodes)])
        say(node.name, `${node.name}: ${describe(node)}`);
      said.delete('away');
      quiet = jobs.some((job) => job.status === 'active') ? 0 : quiet + 1;
      if (quiet >= QUIET_POLLS) {
        const seconds = Math.round((deps.clock.now().getTime() - startedAt) / 1000);
        const end = await ended(call, deps, { target, jobs, nodes, run, seconds });
        const also = { seconds, ...(snapshot === undefined ? {} : { snapshot }) };
        return { ...end, snapshot, said: { ...end.said, ...also } };
      }
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      say('away', `the API server is away: ${reasonOf(error)}`);
    }
    await deps.clock.sleep(POLL_MS, signal);
  }
}

function aboutJob({ status, runner, createdAt, finishedAt }: JobFact): string {
  if (status === 'complete' && finishedAt !== null)
    return ` after ${elapsed((Date.parse(finishedAt) - Date.parse(createdAt)) / 1000)}`;
  return runner === null ? '' : ` on ${runner}`;
}

/** '4m22s', as people write it of a thing that has ended. */
export function elapsed(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}

function snapshotOf(run: Readonly<Record<string, string>>, target: string): Snapshot | undefined {
  const file = run['snapshot-path'];
  if (file === undefined || run['target'] !== target) return undefined;
  const bytes = Number(run['snapshot-bytes'] ?? Number.NaN);
  return { file, bytes: Number.isSafeInteger(bytes) ? bytes : null };
}

export function snapshotText({ file, bytes }: Snapshot): string {
  return `snapshot of etcd: ${file}${bytes === null ? '' : ` (${(bytes / 1e6).toFixed(1)} MB)`}`;
}

function describe(node: NodeFact): string {
  const versions = node.apiServer === null ? node.kubelet : `kubelet ${node.kubelet}, API server ${node.apiServer}`;
  return `${versions}, ${node.ready === 'yes' ? 'Ready' : 'not Ready'}${node.schedulable ? '' : ', cordoned'}`;
}

interface Seen {
  readonly target: string;
  readonly jobs: readonly JobFact[];
  readonly nodes: readonly NodeFact[];
  readonly run: Readonly<Record<string, string>>;
  readonly seconds: number;
}

async function ended(call: Call, deps: Deps, { target, jobs, nodes, run, seconds }: Seen): Promise<Ended> {
  const { output, signal } = call;
  const failed = jobs.find((job) => job.status === 'failed');
  const behind = nodes.filter((node) => !isOnTarget(node, target)).map((node) => node.name);
  // That every node is on the version is not the end: postflight looks at the whole cluster, and closes the run.
  const isOpen = run['in-flight'] !== undefined && run['target'] === target;
  if (failed === undefined && behind.length === 0 && !isOpen) {
    output.line(`The chain has ended after ${elapsed(seconds)}.`);
    output.line(paint(output, 'green', `Done: all ${nodes.length} nodes are on ${target}.`));
    return { code: EXIT.done, said: { outcome: 'upgraded', target }, isReached: true };
  }
  const last = failed ?? jobs.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt)).at(-1);
  const tail =
    last === undefined
      ? ''
      : await deps.cluster.jobLog(deps.settings.namespace, last.name, LOG_LINES, signal).catch(reasonOf);
  const why =
    behind.length > 0
      ? `${someOf(behind)} not on ${target}`
      : `all nodes are on ${target}, and the run is not closed${run['stopped'] === undefined ? '' : `: ${run['stopped']}`}`;
  output.line(
    failed === undefined
      ? paint(output, 'yellow', `Stopped before the end: ${why}.`)
      : paint(output, 'red', `Failed in ${failed.name} (${failed.reason}).`),
  );
  if (last !== undefined) output.line(`The log of ${last.name} ends with:`);
  for (const line of last === undefined ? [] : tail.split('\n').flatMap(readable)) output.line(`  ${line}`);
  return {
    code: failed === undefined ? EXIT.refused : EXIT.failed,
    said: { outcome: failed === undefined ? 'refused' : 'failed', target, job: last?.name, behind, log: tail },
  };
}

/** A Job's log is JSON for machines: a person reads what was said, and what to do. Undefined remedies and blank lines are none. */
export function readable(line: string): readonly string[] {
  let said: unknown;
  try {
    said = JSON.parse(line);
  } catch {
    return line.trim() === '' ? [] : [line];
  }
  const result = LogLine.safeParse(said);
  if (!result.success) return [line];
  const { level, message, error, why, reason, remedy } = result.data;
  const because = [error, why ?? reason].filter((text) => text !== undefined).join(', ');
  const mark = level === 'info' ? '' : `${level.toUpperCase()} `;
  return [
    `${mark}${message}${because === '' ? '' : `: ${because}`}`,
    ...(remedy === undefined ? [] : [`    what to do: ${remedy}`]),
  ];
}

const LogLine = z.object({
  level: z.string(),
  message: z.string(),
  error: z.string().optional(),
  why: z.string().optional(),
  reason: z.string().optional(),
  remedy: z.string().optional(),
});
