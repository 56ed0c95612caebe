import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { projectRoot } from './project-root.ts';
import { type RunSettings, runSettingsKey } from './run-settings.ts';

const GRACE_MS = 5000;

/** Plays the scenarios of a lane in a vitest process of its own. Resolves with its exit code, also when it was aborted. */
export function runLane(settings: RunSettings, abort: AbortSignal): Promise<number> {
  const program = path.join(projectRoot, 'node_modules/vitest/vitest.mjs');
  const config = path.join(import.meta.dirname, 'vitest.lab.config.ts');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, 'run', '--config', config], {
      cwd: projectRoot,
      // A process group of its own: everything that it started has to end before its clusters are taken down.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, [runSettingsKey]: JSON.stringify(settings) },
    });
    const prefix = settings.lanes === 1 ? '' : `lane ${settings.lane.name} | `;
    pass(child.stdout, prefix, process.stdout);
    pass(child.stderr, prefix, process.stderr);
    const end = (): void => {
      endGroup(child.pid, 'SIGTERM');
      setTimeout(() => endGroup(child.pid, 'SIGKILL'), GRACE_MS);
    };
    abort.addEventListener('abort', end);
    child.on('error', reject);
    child.on('close', (code) => {
      abort.removeEventListener('abort', end);
      resolve(code ?? 1);
    });
  });
}

/** Whole lines, so that those of two lanes do not mix. */
function pass(from: Readable, prefix: string, to: NodeJS.WritableStream): void {
  createInterface({ input: from }).on('line', (line) => to.write(line === '' ? '\n' : `${prefix}${line}\n`));
}

function endGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // They have all ended.
  }
}
