import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdDecompress } from 'node:zlib';

const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache/nightlift/kube');
const LINKS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl', 'kubeadm', 'kubelet'];
/** The archives were made with `--long=27`. */
const WINDOW_LOG = 27;

export interface KubePrograms {
  /** Directory with kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and etcd. */
  readonly directory: string;
  readonly version: string;
}

export interface MissingPrograms {
  readonly missing: string;
}

/** Where the real Kubernetes programs are kept, compressed: NIGHTLIFT_KUBE_DIR, else `../shared/kube`. */
export function kubeDirectory(): string {
  return resolve(process.env['NIGHTLIFT_KUBE_DIR'] ?? join(ROOT, '../shared/kube'));
}

/** Unpacks the newest control plane of the directory, or of the version, into the cache. */
export async function kubePrograms(version?: string): Promise<KubePrograms | MissingPrograms> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { missing: `the programs are for linux/x64, this is ${process.platform}/${process.arch}` };
  }
  const source = kubeDirectory();
  if (!existsSync(source)) {
    return {
      missing: `no Kubernetes programs at ${source}: set NIGHTLIFT_KUBE_DIR to a directory with kube-<version>.zst and etcd-<version>.zst`,
    };
  }
  const kube = newest(source, /^kube-(\d+\.\d+\.\d+)\.zst$/, version ?? '1.36.4');
  const etcd = newest(source, /^etcd-(\d+\.\d+\.\d+)\.zst$/, undefined);
  if (kube === undefined || etcd === undefined) {
    const what = kube === undefined ? `kube-${version ?? '<version>'}.zst` : 'etcd-<version>.zst';
    return { missing: `no ${what} in ${source}: set NIGHTLIFT_KUBE_DIR to a directory that has it` };
  }
  const directory = join(CACHE, kube);
  mkdirSync(directory, { recursive: true });
  await unpack(join(source, `kube-${kube}.zst`), join(directory, 'kube'));
  await unpack(join(source, `etcd-${etcd}.zst`), join(directory, 'etcd'));
  for (const link of LINKS) if (!existsSync(join(directory, link))) symlinkSync('kube', join(directory, link));
  return { directory, version: kube };
}

function newest(directory: string, pattern: RegExp, wanted: string | undefined): string | undefined {
  const versions = readdirSync(directory).flatMap((name) => pattern.exec(name)?.[1] ?? []);
  const sorted = versions.sort((left, right) => left.localeCompare(right, 'en', { numeric: true }));
  return wanted === undefined ? sorted.at(-1) : sorted.find((each) => each === wanted);
}

/** Written beside and renamed, so that a run that was killed half-way leaves no half program. */
async function unpack(archive: string, target: string): Promise<void> {
  if (existsSync(target) && statSync(target).mtimeMs >= statSync(archive).mtimeMs) return;
  const partial = `${target}.${process.pid}`;
  try {
    const decompress = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } });
    await pipeline(createReadStream(archive), decompress, createWriteStream(partial, { mode: 0o755 }));
    renameSync(partial, target);
  } finally {
    rmSync(partial, { force: true });
  }
}
