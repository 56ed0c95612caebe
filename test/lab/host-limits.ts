import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { labRoot } from './lab-paths.ts';

const setting = '/proc/sys/fs/inotify/max_user_instances';
const wanted = 8192;

function memory(): string {
  return path.join(labRoot(), 'inotify-before');
}

/**
 * Nodes share this machine's inotify instances, of which a user has 128: the second cluster's kube-proxy says
 * "too many open files" and dies.
 */
export async function raiseHostLimits(): Promise<void> {
  const before = (await readFile(setting, 'utf8')).trim();
  if (Number(before) >= wanted) return;
  await writeFile(memory(), before);
  await writeFile(setting, String(wanted));
}

export async function restoreHostLimits(): Promise<void> {
  if (!existsSync(memory())) return;
  await writeFile(setting, await readFile(memory(), 'utf8'));
  await rm(memory());
}
