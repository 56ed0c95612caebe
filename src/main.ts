import { terminalParagraph } from './cli/call/output.ts';
import { runCli } from './cli/run-cli.ts';
import { nonEmpty, readEnvironment } from './environment.ts';

/** Exit code of a defect of ours (EX_SOFTWARE): the one case in which a stack trace is the clearest message. */
const DEFECT = 70;
/** As a program that SIGPIPE has ended. */
const READER_GONE = 141;

async function main(): Promise<number> {
  const abort = new AbortController();
  let readerIsGone = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The second one does not wait: whatever runs on a node goes on there by itself.
      if (abort.signal.aborted) process.exit(130);
      abort.abort(new Error(`stopped by ${signal}`));
    });
  }
  // Whoever reads has gone (`| head`): what is under way ends as at Ctrl-C, and there is nobody to tell.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      abort.abort(new Error('nobody reads the output any more'));
      readerIsGone = true;
    });
  }
  const noColor = nonEmpty(readEnvironment().env['NO_COLOR']) !== undefined;
  try {
    return await runCli(
      process.argv.slice(2),
      { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, noColor },
      abort.signal,
    );
  } catch (error) {
    if (readerIsGone) return READER_GONE;
    if (abort.signal.aborted) return 130;
    const trace = error instanceof Error ? error.stack : String(error);
    process.stderr.write(
      `${terminalParagraph(`nightlift: this is a defect of Nightlift, please report it with the output of "nightlift facts":\n${trace}`)}\n`,
    );
    return DEFECT;
  }
}

void main().then((code) => {
  // Open keep-alive connections must not hold the process; what was written must be out.
  process.stdout.write('', () => process.exit(code));
});
