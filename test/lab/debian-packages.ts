import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached } from './cached.ts';
import { cacheDir } from './lab-paths.ts';
import type { ContainerdLine } from './lab-spec.ts';
import { mustRun } from './run-command.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const mirror = 'http://deb.debian.org/debian';

/** Fetches Debian packages of a suite without touching this machine's own sources or packages. */
export async function fetchDebs(suite: string, names: string[]): Promise<string[]> {
  const dir = await cached(path.join(cacheDir(), 'debian', `${suite}-${names.join('-')}`), async (into) => {
    const lists = path.join(into, 'lists');
    await mkdir(path.join(lists, 'partial'), { recursive: true });
    const sources = path.join(into, 'sources.list');
    await writeFile(sources, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
    const apart = [
      `Dir::Etc::sourcelist=${sources}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${lists}`,
      'Acquire::Languages=none',
      'APT::Sandbox::User=root',
      'Dir::Cache::pkgcache=',
      'Dir::Cache::srcpkgcache=',
    ].flatMap((option) => ['-o', option]);
    await mustRun('apt-get', [...apart, 'update'], { cwd: into });
    await mustRun('apt-get', [...apart, 'download', ...names], { cwd: into });
    await rm(lists, { recursive: true });
    await rm(sources);
  });
  return (await readdir(dir)).filter((file) => file.endsWith('.deb')).map((file) => path.join(dir, file));
}

/** Debian 12's own containerd is 1.6; Debian 13's 1.7 installs on it as it is. */
export async function containerdDeb(line: ContainerdLine): Promise<string> {
  const [deb] = await fetchDebs(line === '1.6' ? 'bookworm' : 'trixie', ['containerd']);
  if (deb === undefined) throw new Error(`fetching containerd ${line}: apt-get download left no package`);
  return deb;
}
