import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Processes of a lab live longer than the command that started them. Each carries a mark in its environment, and is
 * found by it in /proc: there is no file of process ids to be lost when a run is killed, nor to name a stranger later.
 */
const markName = 'NIGHTLIFT_LAB_DAEMON';

function markOf(lab: string, name: string): string {
  return `${markName}=${lab}:${name}\0`;
}

function processesMarked(mark: string): number[] {
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (`${readFileSync(`/proc/${entry}/environ`, 'latin1')}\0`.includes(mark)) found.push(Number(entry));
    } catch {
      // It ended meanwhile, or it belongs to the kernel.
    }
  }
  return found;
}

export function isRunning(lab: string, name: string): boolean {
  return processesMarked(markOf(lab, name)).length > 0;
}

export async function startDaemon(lab: string, name: string, program: string, args: string[]): Promise<void> {
  if (isRunning(lab, name)) return;
  const logs = path.join(lab, 'logs');
  await mkdir(logs, { recursive: true });
  const log = openSync(path.join(logs, `${name}.log`), 'a');
  const env = { ...process.env, [markName]: `${lab}:${name}` };
  const child = spawn(program, args, { cwd: lab, detached: true, stdio: ['ignore', log, log], env });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`starting ${program}: ${error.message}`)));
  });
  closeSync(log);
  child.unref();
}

export async function stopDaemon(lab: string, name: string): Promise<void> {
  await stopMarked(markOf(lab, name));
}

export async function stopAllDaemons(lab: string): Promise<void> {
  await stopMarked(`${markName}=${lab}:`);
}

async function stopMarked(mark: string): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of processesMarked(mark)) {
      try {
        process.kill(pid, signal);
      } catch {
        // Gone between looking and asking.
      }
    }
    for (let tries = 0; tries < 30; tries++) {
      if (processesMarked(mark).length === 0) return;
      await sleep(100);
    }
  }
}
