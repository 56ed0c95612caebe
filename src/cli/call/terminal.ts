import { createInterface } from 'node:readline/promises';
import { plainJson, plainYaml } from '../../plain-text.ts';
import { type Output, terminalLine, terminalText } from './output.ts';

export interface TerminalOptions {
  readonly format: Output['format'];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly noColor: boolean;
}

export function createOutput(options: TerminalOptions): Output {
  const { format, stdin, stdout, stderr } = options;
  const terminal = stdout.isTTY && format === 'text';
  return {
    format,
    terminal,
    color: terminal && !options.noColor,
    get columns() {
      return stdout.columns > 0 ? stdout.columns : 120;
    },
    get rows() {
      return stdout.rows > 0 ? stdout.rows : 40;
    },
    line: (text = '') => void (format === 'text' && stdout.write(`${terminalLine(text)}\n`)),
    json: (value) => {
      if (format === 'json') stdout.write(`${plainJson(value, 2)}\n`);
      if (format === 'yaml') stdout.write(plainYaml(value));
    },
    note: (text) => void stderr.write(`${terminalLine(text)}\n`),
    raw: (text) => void stdout.write(terminalText(text)),
    async ask(question) {
      if (!stdin.isTTY) return undefined;
      const reader = createInterface({ input: stdin, output: stderr });
      try {
        return await reader.question(`${terminalLine(question)} `);
      } finally {
        reader.close();
      }
    },
  };
}
