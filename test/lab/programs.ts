import { readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cached, fileHash } from './cached.ts';
import { cacheDir, programsDir } from './lab-paths.ts';
import { minorOf } from './lab-spec.ts';
import { mustRun } from './run-command.ts';

/** What the nodes see as /opt/kube: one directory per program and version. */
export function programStore(): string {
  return path.join(cacheDir(), 'kube');
}

export function availableVersions(program: 'kube' | 'etcd' | 'coredns' | 'crictl'): string[] {
  const versions: string[] = [];
  for (const file of readdirSync(programsDir())) {
    const match = new RegExp(`^${program}-(\\d+\\.\\d+\\.\\d+)\\.zst$`).exec(file);
    if (match?.[1] !== undefined) versions.push(match[1]);
  }
  return versions.sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));
}

async function unpack(file: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await mustRun('zstd', ['-q', '-d', '--long=27', '-f', path.join(programsDir(), file), '-o', to]);
  await chmod(to, 0o755);
}

/**
 * A patch release that nobody built: the same code, with the version overwritten at its one place. Good enough
 * to prove a patch upgrade, because kubeadm, the kubelet and the API server all take their version from there.
 */
function overwriteVersion(binary: Buffer, from: string, to: string): void {
  if (from.length !== to.length) throw new Error(`making ${to} from ${from}: the versions differ in length`);
  const before = Buffer.from(`v${from}\0v${from}\0`);
  const at = binary.indexOf(before);
  if (at < 0 || binary.indexOf(before, at + 1) >= 0) {
    throw new Error(`making ${to} from ${from}: the version does not stand exactly once in the binary`);
  }
  binary.set(Buffer.from(`v${to}\0v${to}\0`), at);
}

export function sourceOf(version: string): string {
  const all = availableVersions('kube');
  if (all.includes(version)) return version;
  const near = all.find((candidate) => minorOf(candidate) === minorOf(version) && candidate.length === version.length);
  if (near !== undefined) return near;
  throw new Error(
    `looking for Kubernetes ${version}: ${programsDir()} has ${all.join(', ')}, and only their patches can be made`,
  );
}

/** The path of the binary that is every Kubernetes program of that version; `argv0` decides which. */
export async function kubeProgram(version: string): Promise<string> {
  const source = sourceOf(version);
  const key = (await fileHash(path.join(programsDir(), `kube-${source}.zst`))).slice(0, 12);
  const built = await cached(path.join(programStore(), '.built', `${version}-${key}`), async (into) => {
    const binary = path.join(into, 'kube');
    await unpack(`kube-${source}.zst`, binary);
    if (source === version) return;
    const bytes = await readFile(binary);
    overwriteVersion(bytes, source, version);
    await writeFile(binary, bytes);
  });
  await pointTo(version, built);
  return path.join(built, 'kube');
}

export async function crictlProgram(): Promise<StoredProgram> {
  return storedProgram('crictl', availableVersions('crictl').at(-1) ?? '');
}

/** For an etcd that is no static pod. */
export async function etcdProgram(): Promise<StoredProgram> {
  const versions = availableVersions('etcd').filter((version) => minorOf(version) === '3.6');
  return storedProgram('etcd', versions.at(-1) ?? '');
}

interface StoredProgram {
  version: string;
  file: string;
}

async function storedProgram(name: 'crictl' | 'etcd', version: string): Promise<StoredProgram> {
  const file = `${name}-${version}.zst`;
  const key = (await fileHash(path.join(programsDir(), file))).slice(0, 12);
  const built = await cached(path.join(programStore(), '.built', `${name}-${version}-${key}`), (into) =>
    unpack(file, path.join(into, name)),
  );
  await pointTo(`${name}-${version}`, built);
  return { version, file: path.join(built, name) };
}

export async function unpackTo(file: string, to: string): Promise<void> {
  await unpack(file, to);
}

/** Relative, so that the link means the same inside a node, where the store is mounted elsewhere. */
async function pointTo(name: string, built: string): Promise<void> {
  const link = path.join(programStore(), name);
  const staging = `${link}.${process.pid}`;
  await symlink(path.relative(programStore(), built), staging);
  await mustRun('mv', ['-T', '-f', staging, link]);
}
