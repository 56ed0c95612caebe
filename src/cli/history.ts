import { formatDuration, timeAgo } from '../age.ts';
import { NightliftError } from '../errors.ts';
import { kindText } from '../facts/inventory.ts';
import { byName } from '../facts/nodes.ts';
import { HISTORY_SCHEMA, parseRunHistory, type RunHistory } from '../facts/run-history.ts';
import { nearest } from '../nearest.ts';
import { type Call, EXIT } from './call/command.ts';
import { paint, table } from './call/output.ts';
import { withSession } from './call/session.ts';

/** What runs have written down of themselves. */
export async function run(call: Call): Promise<number> {
  const [verb, asked, ...more] = call.positionals;
  if ((verb !== undefined && verb !== 'show') || more.length > 0)
    throw new NightliftError(
      'usage',
      `reading the arguments of history: "${[verb, asked, ...more].join(' ')}" is none`,
      {
        remedy: 'nightlift history, or nightlift history show RUN',
      },
    );
  return await withSession(
    call,
    async ({ deps }) => {
      const runs = newestFirst(await deps.cluster.records(call.signal));
      const now = deps.clock.now();
      if (verb === undefined) printAll(call, runs, now);
      else printOne(call, runNamed(runs, asked ?? 'last'), now);
      return EXIT.done;
    },
    'spared',
  );
}

/** What is no record is left out: nobody but its writer knows what it was. */
export function newestFirst(texts: readonly string[]): readonly RunHistory[] {
  return texts
    .flatMap((text) => parseRunHistory(text) ?? [])
    .toSorted((a, b) => b.startedAt.localeCompare(a.startedAt) || byName({ name: b.id }, { name: a.id }));
}

/** By its id, or the one that begins so; `last` is the newest. @throws NightliftError (usage) for none and for several. */
export function runNamed(runs: readonly RunHistory[], asked: string): RunHistory {
  const exact = runs.find(({ id }) => id === asked);
  const found =
    asked === 'last' ? runs.slice(0, 1) : exact === undefined ? runs.filter(({ id }) => id.startsWith(asked)) : [exact];
  const [run] = found;
  if (run !== undefined && found.length === 1) return run;
  const ids = runs.map(({ id }) => id);
  const meant = nearest(asked, ids);
  throw new NightliftError(
    'usage',
    `showing run "${asked}": ${found.length > 1 ? `${found.map(({ id }) => id).join(' and ')} begin so` : runs.length === 0 ? 'no run has been recorded yet' : 'there is no such run'}`,
    { remedy: meant === undefined ? 'nightlift history lists them.' : `Did you mean ${meant}?` },
  );
}

function isMarkdown({ values }: Call): boolean {
  return values['output'] === 'markdown';
}

/** A table for a terminal, or one of Markdown. */
function rows(call: Call, lines: readonly (readonly string[])[]): readonly string[] {
  if (!isMarkdown(call)) return table(lines);
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('\n', ' ').replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  const [head = [], ...rest] = lines;
  return [row(head), row(head.map(() => '---')), ...rest.map(row)];
}

function printAll(call: Call, runs: readonly RunHistory[], now: Date): void {
  const { output } = call;
  if (runs.length === 0) output.line('No run has been recorded yet.');
  else
    for (const line of rows(call, [
      ['RUN', 'FROM', 'TARGET', 'STARTED', 'TOOK', 'BY', 'OUTCOME'],
      ...runs.map((run) => [
        run.id,
        run.from ?? '?',
        run.target,
        timeAgo(run.startedAt, now),
        tookOf(run),
        startedBy(run),
        outcomeOf(run),
      ]),
    ]))
      output.line(line);
  output.json({ schema: HISTORY_SCHEMA, at: now.toISOString(), runs });
}

function tookOf({ startedAt, endedAt }: RunHistory): string {
  return endedAt === null ? '-' : formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
}

function startedBy({ starts }: RunHistory): string {
  const by = starts[0]?.by ?? '?';
  return starts.length > 1 ? `${by}, resumed ${starts.length - 1}×` : by;
}

function outcomeOf(run: RunHistory): string {
  const stopped = run.steps.findLast(({ outcome }) => outcome === run.outcome && outcome !== 'running');
  return stopped === undefined ? run.outcome : `${run.outcome} in ${stopped.step}`;
}

function printOne(call: Call, run: RunHistory, now: Date): void {
  const { output } = call;
  const title = (text: string): void => {
    output.line();
    output.line(isMarkdown(call) ? `## ${text}` : paint(output, 'bold', text));
    if (isMarkdown(call)) output.line();
  };
  const items = (lines: readonly string[]): void => {
    for (const line of lines) output.line(isMarkdown(call) ? `- ${line}` : `  ${line}`);
  };
  const head = `${run.from ?? '?'} → ${run.target}${run.cluster === null ? '' : ` of ${run.cluster}`}: ${outcomeOf(run)}`;
  output.line(isMarkdown(call) ? `# ${head}` : paint(output, 'bold', head));
  if (isMarkdown(call)) output.line();
  items([
    `Run ${run.id}, started ${run.startedAt} (${timeAgo(run.startedAt, now)})${run.endedAt === null ? '' : `, took ${tookOf(run)}`}`,
    ...run.starts.map(({ at, by, who, resumed }) => `${resumed ? 'Resumed' : 'Started'} by ${by} ${who} at ${at}`),
    ...(run.snapshot === null ? [] : [snapshotText(run.snapshot)]),
    ...(run.apiAwaySeconds === null ? [] : [`The API server was away for ${run.apiAwaySeconds} s`]),
  ]);
  title('Steps');
  for (const line of rows(call, [
    ['STEP', 'STARTED', 'TOOK', 'TRIES', 'OUTCOME', 'LONGEST'],
    ...run.steps.map((step) => [
      step.step,
      step.startedAt,
      step.endedAt === null ? '-' : formatDuration(Date.parse(step.endedAt) - Date.parse(step.startedAt)),
      String(step.attempts),
      step.why === null ? step.outcome : `${step.outcome}: ${step.why}`,
      longestOf(step.seconds),
    ]),
  ]))
    output.line(line);
  if (run.stepsLeftOut > 0) items([`and ${run.stepsLeftOut} before these, for which there was no room`]);
  section(
    title,
    items,
    'Findings',
    run.findings.map(({ check, reason, message }) => `[${check}: ${reason}] ${message}`),
  );
  for (const [name, kinds] of [
    ['Before', run.before],
    ['After', run.after],
  ] as const)
    section(
      title,
      items,
      name,
      (kinds ?? []).map((kind) => `${kind.count} × ${kindText(kind)}`),
    );
  section(
    title,
    items,
    'Messages',
    run.messages.map(({ at, text }) => `${at} ${text}`),
  );
  output.json(run);
}

function section(
  title: (text: string) => void,
  items: (lines: readonly string[]) => void,
  name: string,
  lines: readonly string[],
): void {
  if (lines.length === 0) return;
  title(name);
  items(lines);
}

function snapshotText({ path, bytes, hash }: NonNullable<RunHistory['snapshot']>): string {
  return `Snapshot ${path}${bytes === null ? '' : `, ${bytes} bytes`}${hash === null ? '' : `, hash ${hash}`}`;
}

const MOST_ACTIONS = 3;

function longestOf(seconds: Readonly<Record<string, number>>): string {
  const longest = Object.entries(seconds).toSorted(([, a], [, b]) => b - a);
  return longest
    .slice(0, MOST_ACTIONS)
    .map(([name, took]) => `${name} ${took} s`)
    .join(', ');
}
