import { randomBytes } from 'node:crypto';
import { oneLine } from '../../plain-text.ts';

/** Where a command writes. Colours only on a terminal, and never with NO_COLOR. */
export interface Output {
  readonly format: 'text' | 'json';
  readonly terminal: boolean;
  readonly color: boolean;
  /** Of the terminal, as it is now. */
  readonly columns: number;
  readonly rows: number;
  /** One line for people; nothing in JSON format, where stdout holds one object. Text from outside does nothing in it. */
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
