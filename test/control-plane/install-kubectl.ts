import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPlane } from './real-control-plane.ts';

const run = promisify(execFile);

/** The real kubectl as admin. @throws with what it wrote to stderr. */
export async function kubectl(plane: ControlPlane, args: readonly string[], input?: string): Promise<string> {
  const child = run(join(plane.programs, 'kubectl'), [...args], {
    env: { KUBECONFIG: plane.kubeconfigPath, HOME: plane.directory, PATH: process.env['PATH'] },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 60_000,
  });
  child.child.stdin?.end(input ?? '');
  const { stdout } = await child;
  return stdout;
}

/** The API server has to make some things first: the ServiceAccount `default`, and a namespace's rules. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waiting for ${what}: not there after ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
