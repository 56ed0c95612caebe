import { PassThrough } from 'node:stream';
import { runCli, type Streams } from '../../src/cli/run-cli.ts';

export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface HowCalled {
  /** Of one without colours of its own. */
  readonly terminal?: boolean;
  /** Ctrl-C: pressed as soon as the output has this. */
  readonly interruptAt?: string;
}

/** A command in this process, as somebody calls it without a terminal. */
export async function callCli(
  argv: readonly string[],
  { terminal = false, interruptAt }: HowCalled = {},
): Promise<Called> {
  const written = { out: '', err: '' };
  const interrupt = new AbortController();
  const sink = (name: keyof typeof written) =>
    new PassThrough().on('data', (chunk: Buffer) => {
      written[name] += chunk.toString();
      if (interruptAt !== undefined && written.out.includes(interruptAt))
        interrupt.abort(new Error('stopped by SIGINT'));
    });
  const stdout = Object.assign(sink('out'), { isTTY: terminal, columns: 200 });
  const streams = { stdin: new PassThrough(), stdout, stderr: sink('err'), noColor: !terminal };
  const signal = AbortSignal.any([AbortSignal.timeout(240_000), interrupt.signal]);
  const code = await runCli(argv, streams as unknown as Streams, signal).catch((error: unknown) => {
    // As the program says it to its shell.
    if (!interrupt.signal.aborted) throw error;
    return 130;
  });
  await new Promise(setImmediate);
  return { code, ...written };
}
