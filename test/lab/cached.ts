import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const underWay = new Map<string, Promise<string>>();

/**
 * Builds `target` once, for whoever of this process wants it meanwhile too. The work happens beside it and is renamed into place, so a killed run leaves
 * a temporary directory and never half of a cached thing.
 */
export async function cached(target: string, build: (into: string) => Promise<void>): Promise<string> {
  if (existsSync(target)) return target;
  const earlier = underWay.get(target);
  if (earlier !== undefined) return earlier;
  const own = buildOnce(target, build).finally(() => underWay.delete(target));
  underWay.set(target, own);
  return own;
}

async function buildOnce(target: string, build: (into: string) => Promise<void>): Promise<string> {
  await mkdir(path.dirname(target), { recursive: true });
  const into = `${target}.building-${process.pid}`;
  await rm(into, { recursive: true, force: true });
  await build(into);
  try {
    await rename(into, target);
  } catch (error) {
    // Another run was quicker; what it made has the same key, hence the same content.
    if (!existsSync(target)) throw error;
    await rm(into, { recursive: true, force: true });
  }
  return target;
}

export async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

export function keyOf(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
