import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { labRoot } from '../lab/lab-paths.ts';

function mark(): string {
  return path.join(labRoot(), 'prepared');
}

/** Whether `npm run test:lab -- --prepare`, or any run of nights, has made here what takes minutes the first time. */
export function isPrepared(): boolean {
  return existsSync(mark());
}

export async function sayPrepared(): Promise<void> {
  await writeFile(mark(), `${new Date().toISOString()}\n`);
}
