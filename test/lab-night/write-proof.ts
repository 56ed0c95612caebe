import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readScore } from '../mutation/score.ts';
import { describeEnvironment } from './environment.ts';
import { compareUses } from './permission-audit.ts';
import { projectRoot } from './project-root.ts';
import { proof } from './proof.ts';
import { provenFile, provenWith, readProven, writeProven } from './proven.ts';
import { recordedNight, withRecordedNight } from './recorded-night.ts';
import { readResults } from './results.ts';
import { readSavedNight } from './saved-night.ts';
import { scenarios } from './scenarios.ts';
import { unusedReasons } from './unused-reasons.ts';

const recorded = 'ha-minor';

export interface WrittenProof {
  readonly files: readonly string[];
  /** Permissions that were refused, or that are granted and used in no night without a reason for it. */
  readonly defects: readonly string[];
}

/** Writes proven.json, docs/proof.md, docs/recorded-night.md and the README's section about that night. */
export async function writeProof(): Promise<WrittenProof> {
  const names = scenarios.map(({ name }) => name);
  const results = await readResults(names);
  const proven = provenWith(await readProven(), results, names);
  await writeProven(proven);
  const audit = compareUses([...new Set(proven.results.flatMap(({ uses }) => uses))]);
  const text = proof(scenarios, proven, await describeEnvironment(), { ...audit, reasons: unusedReasons }, readScore());
  const files = [provenFile, await write('docs/proof.md', text)];
  const result = results.get(recorded);
  const title = scenarios.find(({ name }) => name === recorded)?.title;
  if (result?.passed === true && title !== undefined) {
    const night = await readSavedNight(recorded);
    files.push(await write('docs/recorded-night.md', recordedNight(night, title, result.summary)));
    files.push(await write('README.md', withRecordedNight(await readme(), night, result.summary)));
  }
  const unexplained = audit.unused.filter((row) => !unusedReasons.has(row));
  return { files, defects: [...audit.refused, ...unexplained.map((row) => `${row}: granted, used in no night`)] };
}

function readme(): Promise<string> {
  return readFile(path.join(projectRoot, 'README.md'), 'utf8');
}

async function write(file: string, text: string): Promise<string> {
  await writeFile(path.join(projectRoot, file), text);
  return file;
}
