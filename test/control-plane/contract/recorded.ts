import { join } from 'node:path';
import { expect } from 'vitest';

const DIRECTORY = join(import.meta.dirname, '../recorded');

/** Compares with what the real server answered when this was recorded (`vitest run -u test/control-plane/real.test.ts`). */
export async function recorded(title: string, value: unknown): Promise<void> {
  const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  await expect(`${JSON.stringify(value, null, 2)}\n`).toMatchFileSnapshot(join(DIRECTORY, `${name}.json`));
}
