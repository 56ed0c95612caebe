import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ApiServer } from './api/api-server.ts';

export interface PersonOptions {
  readonly server: ApiServer;
  /** The bundled program. */
  readonly program: string;
  readonly templatesDir: string;
  /** Of the rehearsal. */
  readonly directory: string;
}

/** Somebody at a workstation, with the program and a kubeconfig: runs a command to its end. @returns its exit code. */
export type Person = (
  argv: readonly string[],
  options?: { readonly signal?: AbortSignal | undefined; readonly onLine?: ((line: string) => void) | undefined },
) => Promise<number | null>;

export function createPerson({ server, program, templatesDir, directory }: PersonOptions): Person {
  return async (argv, { signal, onLine } = {}) => {
    const kubeconfig = join(directory, 'kubeconfig');
    writeFileSync(kubeconfig, server.kubeconfig(), { mode: 0o600 });
    const child = spawn(process.execPath, [program, ...argv, '--kubeconfig', kubeconfig], {
      env: { PATH: process.env['PATH'] ?? '', NIGHTLIFT_TEMPLATES: templatesDir },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => onLine?.(line));
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  };
}
