import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StandInCall } from '../stand-in.ts';

/** curl as the node scripts use it: -f -s -S -L -o FILE, the health endpoint of the node's own kubelet, and -w '%{http_code}' of an API server's. */
export async function curl(call: StandInCall): Promise<number> {
  const { args, machine } = call;
  const valued = new Set([
    '-o',
    '--output',
    '--connect-timeout',
    '--max-time',
    '--retry',
    '-m',
    '--cacert',
    '--noproxy',
    '-w',
  ]);
  let output: string | undefined;
  let url = '';
  let fail = false;
  let follow = false;
  let seconds = 30;
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (valued.has(word)) {
      index += 1;
      if (word === '-o' || word === '--output') output = args[index];
      if (word === '--max-time' || word === '-m') seconds = Number(args[index]);
    } else if (/^-[a-zA-Z]+$/.test(word)) {
      fail ||= word.includes('f');
      follow ||= word.includes('L');
    } else if (!word.startsWith('-')) {
      url = word;
    }
  }
  if (/^https?:\/\/(127\.0\.0\.1|localhost):10248\/healthz$/.test(url)) {
    if (!machine.kubelet.active) return 7;
    call.out('ok');
    return 0;
  }
  const readyz = /^https:\/\/(.+):6443\/readyz$/.exec(url);
  if (readyz !== null) {
    const asked = machine.cluster.controlPlanePorts().find(({ internalIp }) => internalIp === readyz[1]);
    call.out(asked?.apiServer === true ? '200' : '000');
    if (asked?.apiServer === true) return 0;
    call.err(`curl: (7) Failed to connect to ${readyz[1]} port 6443: Connection refused\n`);
    return 7;
  }
  try {
    const answer = await fetch(url, {
      redirect: follow ? 'follow' : 'manual',
      signal: AbortSignal.any([call.signal, AbortSignal.timeout(seconds * 1000)]),
    });
    const content = Buffer.from(await answer.arrayBuffer());
    if (fail && answer.status >= 400) {
      call.err(`curl: (22) The requested URL returned error: ${answer.status}\n`);
      return 22;
    }
    if (output === undefined) call.out(content.toString());
    else if (output !== '/dev/null') writeFileSync(resolve(call.cwd, output), content);
    return 0;
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    call.err(timedOut ? 'curl: (28) Operation timed out\n' : `curl: (7) Failed to connect to ${url}\n`);
    return timedOut ? 28 : 7;
  }
}
