import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StandInCall } from '../stand-in.ts';

/** The key of pkgs.k8s.io, which the feed's stand-in key counts as when it names no other. */
export const REHEARSAL_KEY = 'DE15B14486CD377B9E876E1A234654DA9A296436';

/**
 * gpg --show-keys and --dearmor for the keys of a rehearsal. Lines "fingerprint=…" and "expires=<epoch seconds>" inside
 * the armor of the feed's Release.key bend what it says.
 */
export async function gpg(call: StandInCall): Promise<number> {
  const valued = new Set(['--homedir', '-o', '--output']);
  const files: string[] = [];
  let output: string | undefined;
  for (let index = 0; index < call.args.length; index += 1) {
    const word = call.args[index] ?? '';
    if (valued.has(word)) {
      index += 1;
      if (word !== '--homedir') output = call.args[index];
    } else if (!word.startsWith('-')) {
      files.push(resolve(call.cwd, word));
    }
  }
  const [file] = files;
  const text = file === undefined ? await call.stdin() : existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) {
    call.err('gpg: no valid OpenPGP data found.\n');
    return 2;
  }
  const fingerprint = /^fingerprint=([0-9A-F]{40})$/m.exec(text)?.[1] ?? REHEARSAL_KEY;
  if (call.args.includes('--show-keys')) {
    const expires = /^expires=(\d+)$/m.exec(text)?.[1] ?? '';
    call.out(
      `pub:-:2048:1:${fingerprint.slice(-16)}:1661453623:${expires}::-:::scSC::::::23::0:\nfpr:::::::::${fingerprint}:\n`,
    );
    call.out('uid:-::::1661453623::0::isv:kubernetes OBS Project <isv:kubernetes@build.opensuse.org>::::::::::0:\n');
    return 0;
  }
  if (!call.args.includes('--dearmor') || output === undefined) return 2;
  const target = resolve(call.cwd, output);
  if (existsSync(target) && !call.args.includes('--yes')) {
    call.err(`gpg: File '${output}' exists.\ngpg: dearmoring failed: File exists\n`);
    return 2;
  }
  writeFileSync(target, `binary ${text}`);
  return 0;
}
