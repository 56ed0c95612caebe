import { z } from 'zod';
import { isUnavailable } from '../cluster/kube-error.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import type { JobFact } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { controlPlanes, isOnTarget, workers } from '../facts/nodes.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { readRun } from '../observe/run-record.ts';
import { type Call, EXIT } from './call/command.ts';
import { paint } from './call/output.ts';

const POLL_MS = 2000;
/** Between two links there is a moment without an active Job. */
const QUIET_POLLS = 5;
const LOG_LINES = 20;

/** Prints what changes until the chain has ended; says how from the cluster, not from a Job's last line. */
export async function followChain(call: Call, deps: Deps, target: string): Promise<number> {
  const { output, signal } = call;
  const said = new Map<string, string>();
  const say = (key: string, text: string): void => {
    if (said.get(key) === text) return;
    said.set(key, text);
    output.line(`${deps.clock.now().toISOString().slice(11, 19)} ${text}`);
  };
  let quiet = 0;
  for (;;) {
    try {
      const jobs = (await deps.cluster.jobs(CHAIN_SELECTOR, signal)).filter((job) => job.target === target);
      const nodes = await deps.cluster.nodes(signal);
      for (const job of jobs)
        say(job.name, `${job.name}: ${job.status}${job.runner === null ? '' : ` on ${job.runner}`}`);
      for (const node of [...controlPlanes(nodes), ...workers(nodes)])
        say(node.name, `${node.name}: ${describe(node)}`);
      said.delete('away');
      quiet = jobs.some((job) => job.status === 'active') ? 0 : quiet + 1;
      if (quiet >= QUIET_POLLS) return await ended(call, deps, target, jobs, nodes);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      say('away', `the API server is away: ${reasonOf(error)}`);
    }
    await deps.clock.sleep(POLL_MS, signal);
  }
}

function describe(node: NodeFact): string {
  const versions = node.apiServer === null ? node.kubelet : `kubelet ${node.kubelet}, API server ${node.apiServer}`;
  return `${versions}, ${node.ready === 'yes' ? 'Ready' : 'not Ready'}${node.schedulable ? '' : ', cordoned'}`;
}

async function ended(
  call: Call,
  deps: Deps,
  target: string,
  jobs: readonly JobFact[],
  nodes: readonly NodeFact[],
): Promise<number> {
  const { output, signal } = call;
  const failed = jobs.find((job) => job.status === 'failed');
  const behind = nodes.filter((node) => !isOnTarget(node, target)).map((node) => node.name);
  // A postflight that refuses leaves the run open: its nodes are on the target, and the cluster is not well.
  const isClosed = (await readRun({ deps, signal }))['in-flight'] === undefined;
  if (failed === undefined && behind.length === 0 && isClosed) {
    output.line(paint(output, 'green', `Done: all ${nodes.length} nodes are on ${target}.`));
    output.json({ outcome: 'upgraded', target });
    return EXIT.done;
  }
  const last = failed ?? jobs.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt)).at(-1);
  const tail =
    last === undefined
      ? ''
      : await deps.cluster.jobLog(deps.settings.namespace, last.name, LOG_LINES, signal).catch(reasonOf);
  output.line(
    failed === undefined
      ? paint(
          output,
          'yellow',
          `Stopped before the end: ${behind.length === 0 ? 'the run is not closed' : `${behind.join(', ')} not on ${target}`}.`,
        )
      : paint(output, 'red', `Failed in ${failed.name} (${failed.reason}).`),
  );
  if (last !== undefined) output.line(`The log of ${last.name} ends with:`);
  for (const line of last === undefined ? [] : tail.split('\n').flatMap(readable)) output.line(`  ${line}`);
  output.json({ outcome: failed === undefined ? 'refused' : 'failed', target, job: last?.name, behind, log: tail });
  return failed === undefined ? EXIT.refused : EXIT.failed;
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
