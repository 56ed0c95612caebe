import { randomBytes } from 'node:crypto';
import { oneLine } from '../../plain-text.ts';

/** Where a command writes. Colours only on a terminal, and never with NO_COLOR. */
export interface Output {
  readonly format: 'text' | 'json' | 'yaml';
  readonly terminal: boolean;
  readonly color: boolean;
  /** Of the terminal, as it is now. */
  readonly columns: number;
  readonly rows: number;
  /** One line for people; nothing in the other formats, where stdout holds one object. Text from outside does nothing in it. */
  line(text?: string): void;
  /** The result for programs; nothing in text format. */
  json(value: unknown): void;
  /** A line on stderr, in both formats: warnings, questions, progress of a JSON command. */
  note(text: string): void;
  /** Asks and returns the answer; undefined without a terminal to ask on. */
  ask(question: string): Promise<string | undefined>;
  /** Text as it is, for a live table and for scripts: nothing from outside may be in it. */
  raw(text: string): void;
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

const CODES: Record<Style, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Stands for the escape character in what `paint` writes. Nobody else knows it, so nobody else writes one. */
const ESCAPE = `\u001b${randomBytes(12).toString('hex')}`;

/** The edge to a terminal: one line, in which only `paint` has a say. */
export function terminalLine(text: string): string {
  return text.split(ESCAPE).map(oneLine).join('\u001b');
}

/** As it is, with the colours of `paint`. */
export function terminalText(text: string): string {
  return text.replaceAll(ESCAPE, '\u001b');
}

/** Several lines of ours, all but the first indented: what is said within cannot look like a line of somebody else. */
export function terminalParagraph(text: string): string {
  return text.split('\n').map(oneLine).join('\n  ');
}

export function paint(output: Pick<Output, 'color'>, style: Style, text: string): string {
  const [on, off] = CODES[style];
  return output.color ? `${ESCAPE}[${on}m${text}${ESCAPE}[${off}m` : text;
}

/** At words; lines after the first begin with `indent`. Width 0 or less breaks nothing. */
export function wrapped(text: string, width: number, indent = ''): readonly string[] {
  if (width <= 0) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : `${indent}${word}`);
  }
  return lines;
}

/** What the rows of a terminal are broken at; what goes into a file or a pipe is not broken. */
export function widthOf(output: Pick<Output, 'terminal' | 'columns'>): number {
  return output.terminal ? output.columns - 1 : 0;
}

/** As `table`, the last cell broken at words under itself where the others leave it room. */
export function wrappedTable(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const before = Math.max(...table(rows.map((row) => [...row.slice(0, -1), '|'])).map(({ length }) => length - 1));
  if (width - before < LEAST_LAST_CELL) return table(rows);
  const broken = rows.flatMap((row) =>
    wrapped(row.at(-1) ?? '', width - before).map((line, index) => [
      ...row.slice(0, -1).map((cell) => (index === 0 ? cell : '')),
      line,
    ]),
  );
  return table(broken);
}

const LEAST_LAST_CELL = 20;

/** Columns padded to their widest cell, two spaces between; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
