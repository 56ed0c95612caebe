import { execFile } from 'node:child_process';
import {
  cpSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createZstdDecompress } from 'node:zlib';
import { kubeDirectory, type MissingPrograms } from './kube-programs.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache/nightlift/tofu');
/** The archive does not say its version; its README does. */
const PROVIDER = 'registry.opentofu.org/hashicorp/kubernetes/3.2.1/linux_amd64/terraform-provider-kubernetes_v3.2.1';

export interface Tofu {
  /** Runs in a copy of the module. @throws with the output of a command that fails. */
  run(args: readonly string[]): Promise<string>;
}

/** The real OpenTofu with the real provider, in a copy of terraform/ and what it reads; state and downloads stay in `directory`. */
export async function openTofu(directory: string, kubeconfigPath: string): Promise<Tofu | MissingPrograms> {
  const source = kubeDirectory();
  const tofuArchive = existsSync(source)
    ? readdirSync(source).find((name) => /^tofu-[\d.]+\.zst$/.test(name))
    : undefined;
  const providerArchive = 'terraform-provider-kubernetes.zst';
  if (tofuArchive === undefined || !existsSync(join(source, providerArchive))) {
    return {
      missing: `no tofu-<version>.zst and ${providerArchive} in ${source}: set NIGHTLIFT_KUBE_DIR to a directory that has them`,
    };
  }
  const program = join(CACHE, tofuArchive.replace(/\.zst$/, ''));
  const mirror = join(CACHE, 'mirror');
  await unpack(join(source, tofuArchive), program);
  await unpack(join(source, providerArchive), join(mirror, PROVIDER));

  for (const folder of ['deploy', 'templates', 'terraform'])
    cpSync(join(ROOT, folder), join(directory, folder), { recursive: true });
  const configuration = join(directory, 'tofurc');
  writeFileSync(
    configuration,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
  );
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    TF_CLI_CONFIG_FILE: configuration,
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
    KUBE_CONFIG_PATH: kubeconfigPath,
  };
  return {
    async run(args) {
      const options = { cwd: join(directory, 'terraform'), env, maxBuffer: 64 * 1024 * 1024, timeout: 180_000 };
      try {
        return (await run(program, [...args], options)).stdout;
      } catch (error) {
        // Its lines are folded to a width; the plan before the error is long and says nothing about it.
        const { stderr } = error as { stderr?: string };
        throw new Error(`tofu ${args[0] ?? ''}: ${(stderr ?? String(error)).replaceAll(/\s*\n\s*/g, ' ')}`);
      }
    },
  };
}

async function unpack(archive: string, target: string): Promise<void> {
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  const partial = `${target}.${process.pid}`;
  const decompress = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 27 } });
  await pipeline(createReadStream(archive), decompress, createWriteStream(partial, { mode: 0o755 }));
  renameSync(partial, target);
}
