/** A table of which not every row has to be seen. */
export interface Rows {
  readonly head: string;
  readonly rows: readonly string[];
  /** The row that must be seen; one behind the last stands for the end. */
  readonly focus: number;
}

/** What is drawn, from top to bottom. */
export interface Picture {
  readonly title: string;
  readonly summary: readonly string[];
  readonly nodes: Rows;
  readonly jobs: Rows;
  readonly events: readonly string[];
  readonly activity: readonly string[];
  /** How rows that are left out are counted. */
  more(text: string): string;
}

/** Below this, the tables are worth more than the sentence above them and the empty lines. */
const LEAST_ROOM = 10;

/** Pure. At most `height` lines: what the picture is about goes first when there is no room. */
export function fitted(picture: Picture, height: number): readonly string[] {
  const { title, summary, nodes, jobs, events, activity, more } = picture;
  const tail = [...events, ...activity];
  const hasJobs = jobs.rows.length > 0;
  const gaps = hasJobs ? 3 : 2;
  const room = height - 1 - tail.length;
  const isRoomy = room - gaps - summary.length >= LEAST_ROOM;
  const forTables = isRoomy ? room - gaps - summary.length : room;
  const needed = hasJobs ? jobs.rows.length + 1 : 0;
  // Half for each, and what one does not need is for the other.
  const forJobs = Math.min(needed, Math.max(Math.floor(forTables / 2), forTables - nodes.rows.length - 1));
  const gap = isRoomy ? [''] : [];
  return [
    title,
    ...(isRoomy ? summary : []),
    ...gap,
    ...clipped(nodes, forTables - forJobs, more),
    ...gap,
    ...clipped(jobs, forJobs, more),
    ...(hasJobs ? gap : []),
    ...tail,
  ].slice(0, Math.max(1, height));
}

function clipped({ head, rows, focus }: Rows, height: number, more: Picture['more']): readonly string[] {
  if (rows.length === 0 || height < 2) return [];
  if (rows.length < height) return [head, ...rows];
  const most = height - 2;
  if (most < 1) return [head];
  const start = Math.max(0, Math.min(focus, rows.length - most));
  const shown = rows.slice(start, start + most);
  const after = rows.length - most - start;
  if (after === 0) return [head, more(`${start} before`), ...shown];
  return [head, ...shown, more(`and ${after} more${start > 0 ? `, and ${start} before` : ''}`)];
}
