import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { labRoot } from '../lab/lab-paths.ts';

const SavedLine = z.object({
  pod: z.string(),
  runner: z.string(),
  time: z.number(),
  message: z.string(),
  phase: z.string(),
  node: z.string(),
  fields: z.record(z.string(), z.unknown()),
});
const SavedNight = z.object({ nodes: z.number(), slack: z.array(z.string()), lines: z.array(SavedLine) });

export type SavedLine = z.infer<typeof SavedLine>;
export type SavedNight = z.infer<typeof SavedNight>;

function fileOf(name: string): string {
  return path.join(labRoot(), 'nights', `${name}.json`);
}

/** What the pods logged and Slack was sent in the last night of this scenario. */
export async function saveNight(name: string, night: SavedNight): Promise<void> {
  await mkdir(path.dirname(fileOf(name)), { recursive: true });
  await writeFile(fileOf(name), JSON.stringify(SavedNight.parse(night)));
}

/** @throws when this scenario has not run on this machine. */
export async function readSavedNight(name: string): Promise<SavedNight> {
  return SavedNight.parse(JSON.parse(await readFile(fileOf(name), 'utf8')));
}
