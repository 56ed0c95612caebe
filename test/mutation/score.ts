import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from '../run-command.ts';

/** The part of Stryker's JSON report that is counted (mutation-testing-report-schema). */
const Report = z.object({
  files: z.record(z.string(), z.object({ mutants: z.array(z.object({ status: z.string() })) })),
});

const RoomScore = z.object({
  /** A folder of src/. */
  room: z.string(),
  changes: z.number().int().positive(),
  noticed: z.number().int(),
});

const Score = z.object({ date: z.iso.date(), rooms: z.array(RoomScore) });

export type RoomScore = z.infer<typeof RoomScore>;
export type Score = z.infer<typeof Score>;

export const SCORE_FILE = 'test/mutation/score.json';

/** Of a change that does not run (a static one, or prose) nothing is said. */
const COUNTED: Readonly<Record<string, boolean>> = { Killed: true, Timeout: true, Survived: false, NoCoverage: false };

/** Pure. @throws ZodError for what is no report of Stryker's, or one without a change. */
export function scoreOf(room: string, report: unknown): RoomScore {
  const all = Object.values(Report.parse(report).files).flatMap(({ mutants }) =>
    mutants.flatMap(({ status }) => COUNTED[status] ?? []),
  );
  return RoomScore.parse({ room, changes: all.length, noticed: all.filter(Boolean).length });
}

/** The score of the last runs that were recorded. */
export function readScore(): Score {
  return Score.parse(JSON.parse(readFileSync(join(ROOT, SCORE_FILE), 'utf8')));
}

/** The chapter of docs/proof.md. */
export function scoreChapter({ date, rooms }: Score): string {
  const sum = (count: (room: RoomScore) => number): number => rooms.reduce((total, room) => total + count(room), 0);
  const row = (name: string, changes: number, noticed: number): string =>
    `| ${name} | ${changes} | ${noticed} | ${((noticed / changes) * 100).toFixed(1)} % |`;
  return `## Tests that would notice

Small changes to what decides, one at a time (\`npm run test:mutation\`, StrykerJS; recorded on ${date}), and how many of them the unit tests of
the same folder notice, which take under a minute. [What is not noticed](../test/mutation/survivors.md), and why it is equal or harmless.

| folder | changes | noticed | score |
| --- | --- | --- | --- |
${rooms.map(({ room, changes, noticed }) => row(`\`src/${room}\``, changes, noticed)).join('\n')}
${row(
  'all',
  sum(({ changes }) => changes),
  sum(({ noticed }) => noticed),
)}
`;
}
