/** Where a command writes. Colours only on a terminal, and never with NO_COLOR. */
export interface Output {
  readonly format: 'text' | 'json';
  readonly terminal: boolean;
  readonly color: boolean;
  readonly columns: number;
  /** A line for people; nothing in JSON format, where stdout holds one object. */
  line(text?: string): void;
  /** The result for programs; nothing in text format. */
  json(value: unknown): void;
  /** A line on stderr, in both formats: warnings, questions, progress of a JSON command. */
  note(text: string): void;
  /** Asks and returns the answer; undefined without a terminal to ask on. */
  ask(question: string): Promise<string | undefined>;
  /** Text as it is, for a live table. */
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

export function paint(output: Pick<Output, 'color'>, style: Style, text: string): string {
  const [on, off] = CODES[style];
  return output.color ? `\u001b[${on}m${text}\u001b[${off}m` : text;
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
