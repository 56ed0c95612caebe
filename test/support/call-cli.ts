import { PassThrough } from 'node:stream';
import { runCli, type Streams } from '../../src/cli/run-cli.ts';

export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command in this process, as somebody calls it without a terminal; `terminal` is one without colours of its own. */
export async function callCli(argv: readonly string[], { terminal = false } = {}): Promise<Called> {
  const written = { out: '', err: '' };
  const sink = (name: keyof typeof written) =>
    new PassThrough().on('data', (chunk: Buffer) => (written[name] += chunk.toString()));
  const stdout = Object.assign(sink('out'), { isTTY: terminal, columns: 200 });
  const streams = { stdin: new PassThrough(), stdout, stderr: sink('err'), noColor: !terminal };
  const code = await runCli(argv, streams as unknown as Streams, AbortSignal.timeout(240_000));
  await new Promise(setImmediate);
  return { code, ...written };
}
