import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where a program is; undefined when it is not installed. */
export function installed(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** What a test says when a program is missing; empty when it is there. */
export function whyNot(program: string): string {
  return installed(program) === undefined ? ` (not tried: ${program} is not installed)` : '';
}

export interface RunningComponent {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a real server on a free loopback port and waits until `/-/ready` answers. `write` puts its files in place. */
export async function startComponent(
  program: string,
  describe: (port: number, folder: string) => { readonly args: readonly string[] },
): Promise<RunningComponent> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), `${program}-`));
  const { args } = describe(port, folder);
  let output = '';
  // A test run that is interrupted, or a set-up that fails half-way, must not leave servers behind.
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.on('exit', killAtExit);
  const child = spawn(installed(program) ?? program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.ok === true) break;
    if (tries > 300 || child.exitCode !== null)
      throw new Error(`${program} did not become ready:\n${output.slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    async close() {
      process.off('exit', killAtExit);
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Of loopback; nobody listens there now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
