import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { projectRoot } from './project-root.ts';
import { ResultLine } from './run-settings.ts';

/** Without how long all of it took: the shares say how long the night was. */
const ProvenLine = ResultLine.omit({ seconds: true });

/** What docs/proof.md is written from: the last result of each scenario, from whatever machine, each with its date. */
export const Proven = z.object({
  results: z.array(ProvenLine),
  /** The last two that were measured in one stretch on one machine, which alone can be compared. */
  byHand: z.object({ night: ProvenLine, hand: ProvenLine }).optional(),
});

export type ProvenLine = z.infer<typeof ProvenLine>;
export type Proven = z.infer<typeof Proven>;

export const provenFile = 'test/lab-night/proven.json';

export async function readProven(): Promise<Proven> {
  return Proven.parse(JSON.parse(await readFile(path.join(projectRoot, provenFile), 'utf8')));
}

export async function writeProven(proven: Proven): Promise<void> {
  const { results, byHand: both } = Proven.parse(proven);
  const lines = results.map((result) => `    ${JSON.stringify(result)}`).join(',\n');
  const byHand = both === undefined ? '' : `,\n  "byHand": ${JSON.stringify(both)}`;
  await writeFile(path.join(projectRoot, provenFile), `{\n  "results": [\n${lines}\n  ]${byHand}\n}\n`);
}

const ONE_STRETCH_MS = 3_600_000;

/** `here`: results of this machine, by scenario. What has none here, or an older one, stays; a scenario that is no more goes. */
export function provenWith(before: Proven, here: ReadonlyMap<string, ResultLine>, names: readonly string[]): Proven {
  const earlier = new Map(before.results.map((result) => [result.name, result]));
  const results = names.flatMap((name) => {
    const both = [earlier.get(name), here.get(name)].filter((result) => result !== undefined);
    return both.toSorted((a, b) => a.at.localeCompare(b.at)).slice(-1);
  });
  const [night, hand] = [here.get('patch'), here.get('by-hand')];
  const comparable =
    night?.shares !== undefined &&
    hand?.shares !== undefined &&
    Math.abs(Date.parse(night.at) - Date.parse(hand.at)) < ONE_STRETCH_MS &&
    hand.at.localeCompare(before.byHand?.hand.at ?? '') > 0;
  const byHand = comparable ? { night, hand } : before.byHand;
  return { results, ...(byHand === undefined ? {} : { byHand }) };
}
