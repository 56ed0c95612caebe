import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { labRoot } from '../lab/lab-paths.ts';
import { ResultLine } from './run-settings.ts';

function resultFile(name: string): string {
  return path.join(labRoot(), 'results', `${name}.json`);
}

/** The last result of each scenario stays, so that the proof can be written from several runs; each row has its date. */
export async function keepResult(name: string, line: object): Promise<void> {
  await mkdir(path.join(labRoot(), 'results'), { recursive: true });
  await writeFile(resultFile(name), JSON.stringify(line));
}

export async function readResults(names: readonly string[]): Promise<ReadonlyMap<string, ResultLine>> {
  const results = new Map<string, ResultLine>();
  for (const name of names) {
    const text = await readFile(resultFile(name), 'utf8').catch(() => undefined);
    if (text !== undefined) results.set(name, ResultLine.parse(JSON.parse(text)));
  }
  return results;
}
