import { readFile } from 'node:fs/promises';
import { availableParallelism, release, totalmem } from 'node:os';
import path from 'node:path';
import { availableVersions } from '../lab/programs.ts';
import { runCommand } from '../lab/run-command.ts';
import { projectRoot } from './project-root.ts';

export interface Environment {
  readonly lines: readonly string[];
}

/** Where the figures come from, as far as it bears on them. */
export async function describeEnvironment(): Promise<Environment> {
  const { version } = JSON.parse(await readFile(path.join(projectRoot, 'package.json'), 'utf8')) as { version: string };
  const system = /^PRETTY_NAME="(.*)"$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  const podman = (await runCommand('podman', ['--version'])).stdout.trim();
  const versions = (program: 'kube' | 'etcd') => availableVersions(program).join(', ');
  return {
    lines: [
      `Written on ${new Date().toISOString().slice(0, 10)}, Nightlift ${version}, Node ${process.versions.node}.`,
      `Kubernetes as built from its source: ${versions('kube')}; another patch is the nearest build with its version overwritten. etcd ${versions('etcd')}.`,
      `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${system}, Linux ${release()}, ${podman}.`,
    ],
  };
}
