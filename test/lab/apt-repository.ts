import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { containerdDeb } from './debian-packages.ts';
import { buildDeb, companionDebs, debFileName, kubernetesDebs } from './lab-debs.ts';
import { minorOf } from './lab-spec.ts';
import { crictlProgram, kubeProgram } from './programs.ts';
import { mustRun } from './run-command.ts';
import { type KeyKind, signingKey } from './signing-key.ts';

/** `repository/v1.36/deb` on disk is `core:/stable:/v1.36/deb/` for the nodes: flat, as the real ones are. */
export function repositoryOf(root: string, minor: string): string {
  return path.join(root, `v${minor}`, 'deb');
}

/** Adds a version's packages. The new index replaces the old at once, so a node that asks now sees one or the other. */
export async function publishVersion(root: string, version: string, revision: string): Promise<void> {
  await kubeProgram(version);
  const minor = minorOf(version);
  const pool = path.join(repositoryOf(root, minor), 'amd64');
  await mkdir(pool, { recursive: true });
  const crictl = await crictlProgram();
  for (const deb of [...kubernetesDebs(version, revision), ...companionDebs(crictl.version)]) {
    if (!existsSync(path.join(pool, debFileName(deb)))) await buildDeb(deb, pool);
  }
  await indexKubernetes(root, minor, 'good');
}

/** As real releases do at times: this kubeadm is not content with the cri-tools that came with the ones before. */
export async function publishNeedingCriTools(root: string, version: string, revision: string): Promise<void> {
  const minor = minorOf(version);
  const pool = path.join(repositoryOf(root, minor), 'amd64');
  const newer = '1.99.0';
  for (const deb of kubernetesDebs(version, revision))
    if (deb.name === 'kubeadm') await buildDeb({ ...deb, depends: `cri-tools (>= ${newer})` }, pool);
  const crictl = await crictlProgram();
  for (const deb of companionDebs(crictl.version))
    if (deb.name === 'cri-tools') await buildDeb({ ...deb, version: `${newer}-1.1` }, pool);
  await indexKubernetes(root, minor, 'good');
}

export async function indexKubernetes(root: string, minor: string, key: KeyKind): Promise<void> {
  await writeIndex(repositoryOf(root, minor), {
    origin: `obs://build.opensuse.org/isv:kubernetes:core:stable:v${minor}/deb`,
    label: `isv:kubernetes:core:stable:v${minor}`,
    key,
  });
}

/** The distribution's own packages that an upgrade may want: both containerd lines. */
export async function publishContainerd(root: string): Promise<void> {
  const pool = path.join(root, 'debian', 'amd64');
  await mkdir(pool, { recursive: true });
  for (const line of ['1.6', '1.7'] as const) {
    const deb = await containerdDeb(line);
    await copyFile(deb, path.join(pool, path.basename(deb)));
  }
  await writeIndex(path.join(root, 'debian'), { origin: 'Debian', label: 'Debian', key: 'good' });
}

export async function publishedMinors(root: string): Promise<string[]> {
  if (!existsSync(root)) return [];
  return (await readdir(root)).filter((name) => /^v\d+\.\d+$/.test(name)).map((name) => name.slice(1));
}

export async function publishedPackages(root: string, minor: string): Promise<string[]> {
  const pool = path.join(repositoryOf(root, minor), 'amd64');
  if (!existsSync(pool)) return [];
  return (await readdir(pool)).filter((file) => file.startsWith('kubeadm_')).map((file) => file.split('_')[1] ?? file);
}

interface IndexSettings {
  origin: string;
  label: string;
  key: KeyKind;
}

async function writeIndex(dir: string, settings: IndexSettings): Promise<void> {
  const key = await signingKey(settings.key);
  const packages = await mustRun('apt-ftparchive', ['packages', 'amd64'], { cwd: dir });
  await writeFile(path.join(dir, 'Packages'), packages);
  await mustRun('gzip', ['-9', '-n', '-k', '-f', 'Packages'], { cwd: dir });
  for (const stale of ['Release', 'InRelease', 'Release.gpg']) await rm(path.join(dir, stale), { force: true });
  const fields = {
    Origin: settings.origin,
    Label: settings.label,
    Architectures: 'amd64',
    Description: settings.label,
  };
  const options = Object.entries(fields).flatMap(([name, value]) => [
    '-o',
    `APT::FTPArchive::Release::${name}=${value}`,
  ]);
  const release = await mustRun('apt-ftparchive', [...options, 'release', '.'], { cwd: dir });
  await writeFile(path.join(dir, 'Release'), release);
  await sign(dir, key.home, settings.key);
  await copyFile(key.armored, path.join(dir, 'Release.key'));
}

/** In a copy of the key's home: the agent that gpg starts there is nobody else's, and may be ended without asking. */
async function sign(dir: string, keyHome: string, kind: KeyKind): Promise<void> {
  const home = await mkdtemp(path.join(tmpdir(), 'nightlift-gpg-'));
  try {
    await mustRun('cp', ['-a', `${keyHome}/.`, home]);
    const past = kind === 'expired' ? ['--faked-system-time', '20200601T000000!'] : [];
    const options = ['--homedir', home, '--batch', '--yes', ...past];
    await mustRun('gpg', [...options, '--clearsign', '--output', 'InRelease', 'Release'], { cwd: dir });
    await mustRun('gpg', [...options, '--armor', '--detach-sign', '--output', 'Release.gpg', 'Release'], { cwd: dir });
    await mustRun('gpgconf', ['--homedir', home, '--kill', 'all']);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}
