import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached } from './cached.ts';
import { cacheDir } from './lab-paths.ts';
import { mustRun } from './run-command.ts';

export type KeyKind = 'good' | 'wrong' | 'expired';

const parameters = `%no-protection
Key-Type: RSA
Key-Length: 2048
Name-Real: isv:kubernetes OBS Project (nightlift lab)
Name-Email: isv-kubernetes@lab.invalid
`;

/** `wrong` is a sound key that the nodes do not know; `expired` has been expired for years. */
export async function signingKey(kind: KeyKind): Promise<{ home: string; armored: string; binary: string }> {
  const home = await cached(path.join(cacheDir(), `gnupg-${kind}`), async (into) => {
    await mkdir(into, { recursive: true, mode: 0o700 });
    const past = ['--faked-system-time', '20200101T000000!'];
    const expiry = kind === 'expired' ? 'Expire-Date: 1y\n' : 'Expire-Date: 5y\n';
    await writeFile(path.join(into, 'parameters'), `${parameters}${expiry}%commit\n`);
    await mustRun('gpg', [
      ...(kind === 'expired' ? past : []),
      '--homedir',
      into,
      '--batch',
      '--generate-key',
      path.join(into, 'parameters'),
    ]);
    await mustRun('gpg', [
      '--homedir',
      into,
      '--batch',
      '--yes',
      '--armor',
      '--export',
      '--output',
      path.join(into, 'Release.key'),
    ]);
    await mustRun('gpg', [
      '--homedir',
      into,
      '--batch',
      '--yes',
      '--export',
      '--output',
      path.join(into, 'keyring.gpg'),
    ]);
    await mustRun('gpgconf', ['--homedir', into, '--kill', 'all']);
  });
  return { home, armored: path.join(home, 'Release.key'), binary: path.join(home, 'keyring.gpg') };
}
