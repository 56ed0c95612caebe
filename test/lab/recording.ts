import { readFile } from 'node:fs/promises';

/** What a real command said: one file each below test/fixtures/recorded. */
export interface Recording {
  command: string;
  exitCode: number;
  stdout: string;
  stderr: string;
}

const stdoutMark = '--- stdout\n';
const stderrMark = '--- stderr\n';

export function formatRecording(recording: Recording): string {
  const { command, exitCode, stdout, stderr } = recording;
  return `$ ${command}\nexit ${exitCode}\n${stdoutMark}${endLine(stdout)}${stderrMark}${endLine(stderr)}`;
}

export function parseRecording(text: string): Recording {
  const match = /^\$ (.+)\nexit (\d+)\n--- stdout\n([\s\S]*?)^--- stderr\n([\s\S]*)$/m.exec(text);
  if (match === null)
    throw new Error(`reading a recording: it does not begin with "$ command", "exit N": ${text.slice(0, 80)}`);
  const [, command = '', exit = '', stdout = '', stderr = ''] = match;
  return { command, exitCode: Number(exit), stdout, stderr };
}

export async function readRecording(version: string, name: string): Promise<Recording> {
  const file = new URL(`../fixtures/recorded/${version}/${name}.txt`, import.meta.url);
  return parseRecording(await readFile(file, 'utf8'));
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
