import { type JobView, jobViews, type NodeView, nodeViews } from '../../rehearsal/cluster-view.ts';
import type { EmbeddedCluster } from '../../rehearsal/embedded-cluster.ts';
import type { Scenario } from '../../rehearsal/scenario.ts';
import { type Output, paint, table } from '../call/output.ts';
import { activityOf, nodeOutputOf } from './activity.ts';
import type { Progress } from './progress.ts';

export interface LiveOptions {
  readonly scenario: Scenario;
  readonly speed: number;
  readonly startedAt: number;
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const JOB_MARKS = { waiting: '…', running: '▶', complete: '✔', failed: '✘' } as const;

/** A table that is drawn again in place. Lines are cut at the terminal's width: a wrapped one would tear the picture. */
export function liveProgress(output: Output, { scenario, speed, startedAt }: LiveOptions): Progress {
  let drawn = 0;
  let turn = 0;
  const events: string[] = [];
  const draw = (lines: readonly string[]): void => {
    const up = drawn === 0 ? '' : `\u001b[${drawn}A`;
    output.raw(`${HIDE_CURSOR}${up}\r\u001b[J${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  return {
    tick(cluster) {
      turn += 1;
      const seconds = Math.round((Date.now() - startedAt) / 1000);
      const title = `nightlift demo · ${scenario.name} · ${speed} times faster than a real night · ${seconds} s`;
      const spin = SPINNER[turn % SPINNER.length] ?? '';
      draw([
        paint(output, 'bold', cut(output, `${spin} ${title}`)),
        ...wrap(scenario.summary, output.columns - 2).map((line) => paint(output, 'dim', `  ${line}`)),
        '',
        ...nodeTable(output, nodeViews(cluster), cluster.topology.version),
        '',
        ...jobTable(output, jobViews(cluster)),
        '',
        ...events.slice(-2).map((what) => paint(output, 'yellow', cut(output, `⚡ ${what}`))),
        ...activity(cluster).map((line, index) =>
          index === 0 ? cut(output, line) : paint(output, 'dim', cut(output, line)),
        ),
      ]);
    },
    event: (what) => void events.push(what),
    end: () => output.raw(SHOW_CURSOR),
  };
}

function nodeTable(output: Output, nodes: readonly NodeView[], from: string): readonly string[] {
  const most = Math.max(6, rowsLeft() - 14);
  const [head = '', ...rows] = table([
    ['  NODE', 'ROLE', 'KUBELET', 'API SERVER', 'READY', 'CORDON'],
    ...nodes.map((node) => [
      `  ${node.name}`,
      node.role,
      node.version,
      node.apiServer ?? '-',
      node.ready ? 'yes' : 'NO',
      node.schedulable ? '-' : 'cordoned',
    ]),
  ]);
  const painted = rows.map((row, index) => {
    const node = nodes[index];
    const line = cut(output, row);
    if (node === undefined) return line;
    if (!node.ready) return paint(output, 'red', line);
    if (!node.schedulable) return paint(output, 'yellow', line);
    return node.version === from ? line : paint(output, 'green', line);
  });
  const left = painted.length - most;
  return [
    paint(output, 'dim', cut(output, head)),
    ...painted.slice(0, most),
    ...(left > 0 ? [paint(output, 'dim', `  … and ${left} more`)] : []),
  ];
}

/** The newest Jobs; those that have gone before are counted when the terminal has no room for them. */
function jobTable(output: Output, jobs: readonly JobView[]): readonly string[] {
  if (jobs.length === 0) return [];
  const most = Math.max(5, Math.min(12, rowsLeft() - 18));
  const shown = jobs.slice(-most);
  const [head = '', ...rows] = table([
    ['  JOB', 'RUNS ON', 'STATUS', 'SECONDS'],
    ...shown.map((job) => [
      `${JOB_MARKS[job.status]} ${job.name}`,
      job.runner ?? '-',
      job.status,
      job.seconds.toFixed(1),
    ]),
  ]);
  const gone = jobs.length - shown.length;
  return [
    paint(output, 'dim', cut(output, head)),
    ...(gone > 0 ? [paint(output, 'dim', `  … ${gone} before`)] : []),
    ...rows.map((row, index) => {
      const line = cut(output, row);
      const { status } = shown[index] ?? {};
      if (status === 'running') return paint(output, 'bold', line);
      if (status === 'failed') return paint(output, 'red', line);
      return paint(output, status === 'waiting' ? 'yellow' : 'dim', line);
    }),
  ];
}

/** What is being done or waited for, and what a node's programs say meanwhile. */
function activity(cluster: EmbeddedCluster): readonly string[] {
  if (!cluster.server.availability.isUp) return ['→ the API server is away: its node is being upgraded', ''];
  const lines = cluster.logs.lines();
  const at = lines.findLastIndex((line) => activityOf(line) !== undefined);
  const line = lines[at];
  const doing = line === undefined ? undefined : activityOf(line);
  const said = lines.slice(at + 1).findLast((one) => nodeOutputOf(one) !== undefined);
  return [doing === undefined ? '' : `→ ${doing}`, said === undefined ? '' : `  ${nodeOutputOf(said) ?? ''}`];
}

function rowsLeft(): number {
  return process.stdout.rows > 0 ? process.stdout.rows : 40;
}

function cut(output: Output, line: string): string {
  const [only = ''] = line.split('\n');
  return only.length < output.columns ? only : `${only.slice(0, output.columns - 2)}…`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
