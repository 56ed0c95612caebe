import { type JobView, jobViews, type NodeView, nodeViews } from '../../rehearsal/cluster-view.ts';
import type { EmbeddedCluster } from '../../rehearsal/embedded-cluster.ts';
import type { Scenario } from '../../rehearsal/scenario.ts';
import type { Output } from '../call/output.ts';
import { activityOf, endedAs } from './activity.ts';
import type { Progress } from './progress.ts';

/** Where no terminal is: a line for each change, with its time. */
export function plainProgress(
  output: Output,
  { scenario, speed }: { readonly scenario: Scenario; readonly speed: number },
): Progress {
  output.line(`nightlift demo: ${scenario.name}, ${speed} times faster than a real night. ${scenario.summary}`);
  const say = (line: string): void => output.line(`${new Date().toISOString().slice(11, 19)} ${line}`);
  const nodes = new Map<string, NodeView>();
  const jobs = new Map<string, string>();
  let said = 0;
  const sayNodes = (cluster: EmbeddedCluster): void => {
    for (const node of nodeViews(cluster)) {
      const before = nodes.get(node.name);
      nodes.set(node.name, node);
      for (const change of nodeChanges(before, node)) say(`${node.name}: ${change}`);
    }
  };
  const sayJobs = (cluster: EmbeddedCluster): void => {
    for (const job of jobViews(cluster)) {
      const line = jobLine(job, endedAs(cluster.logs.lines(), job.name));
      if (line === undefined || jobs.get(job.name) === line) continue;
      jobs.set(job.name, line);
      say(line);
    }
  };
  const sayLog = (cluster: EmbeddedCluster): void => {
    const lines = cluster.logs.lines();
    for (const line of lines.slice(said)) {
      const activity = activityOf(line);
      if (activity !== undefined) say(`  ${activity}`);
    }
    said = lines.length;
  };
  return {
    tick(cluster) {
      // A Job has said everything before it is complete.
      sayLog(cluster);
      sayNodes(cluster);
      sayJobs(cluster);
    },
    event: (what) => say(`>>> ${what}`),
    end: () => undefined,
  };
}

function nodeChanges(before: NodeView | undefined, node: NodeView): readonly string[] {
  if (before === undefined) {
    return [`${node.role}, kubelet ${node.version}${node.apiServer === null ? '' : `, API server ${node.apiServer}`}`];
  }
  return [
    ...(before.schedulable === node.schedulable ? [] : [node.schedulable ? 'in service again' : 'cordoned']),
    ...(before.apiServer === node.apiServer
      ? []
      : [`API server ${before.apiServer ?? 'away'} → ${node.apiServer ?? 'away'}`]),
    ...(before.version === node.version ? [] : [`kubelet ${before.version} → ${node.version}`]),
    ...(before.ready === node.ready ? [] : [node.ready ? 'Ready' : 'not Ready']),
  ];
}

function jobLine({ name, runner, status, seconds }: JobView, ended: string | undefined): string | undefined {
  switch (status) {
    case 'waiting':
      return undefined;
    case 'running':
      return `Job ${name} runs on ${runner ?? '?'}`;
    default:
      return `Job ${name}: ${ended ?? status} after ${seconds} s`;
  }
}
