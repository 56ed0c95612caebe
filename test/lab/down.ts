import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { stopAllDaemons } from './daemon.ts';
import { restoreHostLimits } from './host-limits.ts';
import { clusterDir } from './lab-paths.ts';
import { labNames } from './lab-state.ts';
import { removeNetwork, removeNodes, unmountBelow } from './nodes.ts';

/** Removes a lab in whatever state it is: each step holds when there is nothing for it to do. */
export async function down(name: string): Promise<boolean> {
  const dir = clusterDir(name);
  const there = existsSync(dir);
  await removeNodes(dir);
  await stopAllDaemons(dir);
  await unmountBelow(dir);
  await removeNetwork(name);
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  if ((await labNames()).length === 0) await restoreHostLimits();
  return there;
}

export async function downAll(): Promise<void> {
  for (const name of await labNames()) await down(name);
}
