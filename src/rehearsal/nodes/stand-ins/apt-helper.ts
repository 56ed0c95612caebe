import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StandInCall } from '../stand-in.ts';

/** apt-helper download-file URL FILE: follows redirects as apt does. */
export async function aptHelper(call: StandInCall): Promise<number> {
  const [url = '', file = ''] = call.args.slice(call.args.indexOf('download-file') + 1);
  const failed = (why: string): number => {
    call.out(`Err:1 ${url}\n  ${why}\n`);
    call.err(`E: Failed to fetch ${url}  ${why}\nE: Download Failed\n`);
    return 100;
  };
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([call.signal, AbortSignal.timeout(30_000)]) });
    const content = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) return failed(`${answer.status}  ${answer.statusText}`);
    writeFileSync(resolve(call.cwd, file), content);
    call.out(`Get:1 ${url} [${content.length} B]\n`);
    return 0;
  } catch (error) {
    return failed(`Could not connect: ${error instanceof Error ? error.message : String(error)}`);
  }
}
