import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StandInCall } from '../stand-in.ts';

/** The key of pkgs.k8s.io, which the feed's stand-in key counts as when it names no other. */
export const REHEARSAL_KEY = 'DE15B14486CD377B9E876E1A234654DA9A296436';

/**
 * gpg --import, --list-keys and --export for the keys of a rehearsal. Lines "fingerprint=…" and "expires=<epoch seconds>"
 * inside the armor of the feed's Release.key bend what it says; each fingerprint begins another key.
 */
export function gpg(call: StandInCall): number {
  const { home, output, words } = parse(call.args);
  const ring = resolve(call.cwd, home, 'pubring.kbx');
  const keys = existsSync(ring) ? keysIn(readFileSync(ring, 'utf8')) : [];
  if (call.args.includes('--import')) {
    const file = resolve(call.cwd, words[0] ?? '');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) {
      writeFileSync(ring, text);
      return 0;
    }
    call.err('gpg: no valid OpenPGP data found.\n');
    return 2;
  }
  if (call.args.includes('--list-keys')) {
    for (const { fingerprint, expires, validity } of keys) {
      call.out(`pub:${validity}:2048:1:${fingerprint.slice(-16)}:1661453623:${expires}::-:::scSC::::::23::0:\n`);
      call.out(`fpr:::::::::${fingerprint}:\n`);
      call.out('uid:-::::1661453623::0::isv:kubernetes OBS Project <isv:kubernetes@build.opensuse.org>::::::::::0:\n');
    }
    return 0;
  }
  const wanted = keys.filter(({ fingerprint }) => words.includes(fingerprint));
  if (!call.args.includes('--export') || output === undefined || wanted.length === 0) return 2;
  const kind = call.args.includes('--armor') ? 'armored' : 'binary';
  writeFileSync(resolve(call.cwd, output), wanted.map(({ fingerprint }) => `${kind} ${fingerprint}\n`).join(''));
  return 0;
}

function parse(args: readonly string[]): { home: string; output: string | undefined; words: readonly string[] } {
  let home = '';
  let output: string | undefined;
  const words: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (word === '--homedir') home = args[++index] ?? '';
    else if (word === '-o') output = args[++index];
    else if (!word.startsWith('-')) words.push(word);
  }
  return { home, output, words };
}

function keysIn(text: string): readonly { fingerprint: string; expires: string; validity: string }[] {
  const parts = text.split(/^(?=fingerprint=)/m);
  return (parts.length > 1 ? parts.slice(1) : parts).map((part) => ({
    fingerprint: /^fingerprint=([0-9A-F]{40})$/m.exec(part)?.[1] ?? REHEARSAL_KEY,
    expires: /^expires=(\d+)$/m.exec(part)?.[1] ?? '',
    validity: /^revoked$/m.test(part) ? 'r' : '-',
  }));
}
