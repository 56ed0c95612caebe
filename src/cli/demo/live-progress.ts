import { type JobView, jobViews, type NodeView, nodeViews } from '../../rehearsal/cluster-view.ts';
import type { EmbeddedCluster } from '../../rehearsal/embedded-cluster.ts';
import type { Scenario } from '../../rehearsal/scenario.ts';
import { type Output, paint, table, wrapped } from '../call/output.ts';
import { activityOf, endedAs, nodeOutputOf } from './activity.ts';
import { fitted, type Picture, type Rows } from './picture.ts';
import type { Progress } from './progress.ts';

export interface LiveOptions {
  readonly scenario: Scenario;
  readonly speed: number;
  readonly startedAt: number;
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
/** No cursor, and no line that goes on in the next one. */
const BEGIN = '\u001b[?25l\u001b[?7l';
const END = '\u001b[?7h\u001b[?25h';
/** A terminal that knows it shows the new picture at once, and never half of it; others pass over it. */
const SYNCHRONIZED = ['\u001b[?2026h', '\u001b[?2026l'] as const;
const JOB_MARKS = { waiting: '…', running: '▶', complete: '✔', failed: '✘' } as const;

/** A table that is drawn again in place, never higher than the screen: what has scrolled out of it cannot be drawn over. */
export function liveProgress(output: Output, { scenario, speed, startedAt }: LiveOptions): Progress {
  let drawn = 0;
  let turn = 0;
  const events: string[] = [];
  const draw = (picture: Picture): void => {
    const lines = fitted(picture, output.rows - 1);
    // The screen may have become smaller since.
    const up = Math.min(drawn, output.rows - 1);
    const [begin, end] = SYNCHRONIZED;
    const body = lines.map((line) => `${line}\u001b[K\n`).join('');
    output.raw(`${begin}${BEGIN}${up === 0 ? '' : `\u001b[${up}A`}\r${body}\u001b[J${end}`);
    drawn = lines.length;
  };
  return {
    tick(cluster) {
      turn += 1;
      const seconds = Math.round((Date.now() - startedAt) / 1000);
      const title = `nightlift demo · ${scenario.name} · ${speed} times faster than a real night · ${seconds} s`;
      const spin = SPINNER[turn % SPINNER.length] ?? '';
      draw({
        title: paint(output, 'bold', cut(output, `${spin} ${title}`)),
        summary: wrapped(scenario.summary, output.columns - 3).map((line) => paint(output, 'dim', `  ${line}`)),
        nodes: nodeTable(output, nodeViews(cluster), cluster.topology.version),
        jobs: jobTable(output, cluster),
        events: events.slice(-2).map((what) => paint(output, 'yellow', cut(output, `⚡ ${what}`))),
        activity: activity(cluster).map((line, index) =>
          index === 0 ? cut(output, line) : paint(output, 'dim', cut(output, line)),
        ),
        more: (text) => paint(output, 'dim', `  … ${text}`),
      });
    },
    event: (what) => void events.push(what),
    end: () => output.raw(END),
  };
}

function nodeTable(output: Output, nodes: readonly NodeView[], from: string): Rows {
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
  const isWhole = ({ ready, schedulable, version }: NodeView): boolean => ready && schedulable && version !== from;
  const painted = rows.map((row, index) => {
    const node = nodes[index];
    const line = cut(output, row);
    if (node === undefined) return line;
    if (!node.ready) return paint(output, 'red', line);
    if (!node.schedulable) return paint(output, 'yellow', line);
    return isWhole(node) ? paint(output, 'green', line) : line;
  });
  // Those that are done make room first.
  const first = nodes.findIndex((node) => !isWhole(node));
  return { head: paint(output, 'dim', cut(output, head)), rows: painted, focus: first < 0 ? 0 : first };
}

function jobTable(output: Output, cluster: EmbeddedCluster): Rows {
  const jobs = jobViews(cluster);
  if (jobs.length === 0) return { head: '', rows: [], focus: 0 };
  const lines = cluster.logs.lines();
  const ended = jobs.map(({ name, status }) => (status === 'complete' ? endedAs(lines, name) : undefined));
  const [head = '', ...rows] = table([
    ['  JOB', 'RUNS ON', 'STATUS', 'SECONDS'],
    ...jobs.map((job, index) => [
      `${ended[index] === undefined ? JOB_MARKS[job.status] : '⏹'} ${job.name}`,
      job.runner ?? '-',
      ended[index] ?? job.status,
      job.seconds.toFixed(1),
    ]),
  ]);
  const painted = rows.map((row, index) => paintedJob(output, row, jobs[index]?.status, ended[index]));
  return { head: paint(output, 'dim', cut(output, head)), rows: painted, focus: rows.length };
}

function paintedJob(output: Output, row: string, status: JobView['status'] = 'waiting', ended?: string): string {
  const line = cut(output, row);
  if (status === 'running') return paint(output, 'bold', line);
  if (status === 'failed') return paint(output, 'red', line);
  return paint(output, status === 'waiting' || ended !== undefined ? 'yellow' : 'dim', line);
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

function cut(output: Output, line: string): string {
  const [only = ''] = line.split('\n');
  return only.length < output.columns ? only : `${only.slice(0, output.columns - 2)}…`;
}
