import { spawn } from 'node:child_process';

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  input?: string;
  cwd?: string;
  env?: Record<string, string>;
  /** The name the program sees as its own; one binary holds every Kubernetes program. */
  argv0?: string;
}

export class CommandFailed extends Error {
  readonly result: CommandResult;

  constructor(command: string, result: CommandResult) {
    const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-12).join('\n');
    super(`running ${command}: exit ${result.code}\n${said}`);
    this.name = 'CommandFailed';
    this.result = result;
  }
}

export function runCommand(program: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
      argv0: options.argv0,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error) => reject(new Error(`starting ${program}: ${error.message}`)));
    child.on('close', (code, signal) => {
      resolve({
        code: code ?? (signal === null ? 1 : 137),
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
    // A program that ends before reading its input must not take the lab down with EPIPE.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Standard output of a command that has to succeed. */
export async function mustRun(program: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(program, args, options);
  if (result.code !== 0) throw new CommandFailed([program, ...args].join(' ').slice(0, 300), result);
  return result.stdout;
}
