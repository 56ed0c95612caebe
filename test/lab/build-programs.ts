import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UsageError } from './arguments.ts';
import { scriptPath } from './lab-paths.ts';
import { CannotRunHere, hostHas } from './machine.ts';
import { mustRun } from './run-command.ts';

/** What the scenarios want; the first part of the name tells how it is built. */
const PROGRAMS = [
  'kube-1.35.8',
  'kube-1.36.4',
  'kube-1.37.1',
  'etcd-3.6.6',
  'etcd-3.6.8',
  'etcd-3.7.0',
  'coredns-1.14.6',
  'crictl-1.36.0',
  'pause',
] as const;

interface Sources {
  /** go.mod, without its module line. */
  readonly requires: readonly string[];
  readonly replaces?: readonly string[];
  /** Relative path → text. */
  readonly files: Readonly<Record<string, string>>;
  /** What is built; default: the module itself. */
  readonly target?: string;
  readonly ldflags?: readonly string[];
}

const MODULE = 'lab/programs';
const GO_LINE = 'go 1.25';

const RECIPES: Readonly<Record<string, (version: string) => Promise<Sources>>> = {
  kube: async (version) => ({
    requires: [`k8s.io/kubernetes v${version}`],
    replaces: await stagingReplaces(version),
    files: { 'main.go': await source('kube.go') },
    ldflags: versionFlags(version),
  }),
  etcd: async (version) => ({
    requires: ['server', 'etcdctl', 'etcdutl'].map((name) => `go.etcd.io/etcd/${name}/v3 v${version}`),
    files: {
      'main.go': await source('etcd.go'),
      // etcdutl is a package main, and small: its commands are a package of their own.
      'etcdutl/ctl.go': (
        await readFile(path.join(await moduleDirectory(`go.etcd.io/etcd/etcdutl/v3@v${version}`), 'ctl.go'), 'utf8')
      ).replace(/^package main$/m, 'package etcdutl'),
    },
  }),
  coredns: async (version) => ({
    requires: [`github.com/coredns/coredns v${version}`],
    files: { 'main.go': await source('coredns.go') },
  }),
  crictl: (version) =>
    Promise.resolve({
      requires: [`sigs.k8s.io/cri-tools v${version}`],
      files: {},
      target: 'sigs.k8s.io/cri-tools/cmd/crictl',
      ldflags: [`-X sigs.k8s.io/cri-tools/pkg/version.Version=${version}`],
    }),
  pause: async () => ({ requires: [], files: { 'main.go': await source('pause.go') } }),
};

function source(file: string): Promise<string> {
  return readFile(scriptPath(path.join('build', file)), 'utf8');
}

/** Where Go keeps the source of a module; fetches it. */
async function moduleDirectory(module: string): Promise<string> {
  const { Dir } = JSON.parse(await mustRun('go', ['mod', 'download', '-json', module])) as { Dir: string };
  return Dir;
}

/** Kubernetes requires its staging modules as v0.0.0, from its own tree; published they are v0.<minor>.<patch>. */
async function stagingReplaces(version: string): Promise<readonly string[]> {
  const text = await readFile(path.join(await moduleDirectory(`k8s.io/kubernetes@v${version}`), 'go.mod'), 'utf8');
  const published = `v0.${version.split('.').slice(1).join('.')}`;
  return [...text.matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm)].map(
    ([, module]) => `${module ?? ''} => ${module ?? ''} ${published}`,
  );
}

function versionFlags(version: string): readonly string[] {
  const [major, minor] = version.split('.');
  const values = {
    gitVersion: `v${version}`,
    gitMajor: major ?? '',
    gitMinor: minor ?? '',
    gitTreeState: 'clean',
  };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((where) =>
    Object.entries(values).map(([name, value]) => `-X ${where}.${name}=${value}`),
  );
}

async function build(name: string, into: string): Promise<void> {
  const [recipe = '', version = ''] = name.split(/-(?=\d)/);
  const make = RECIPES[recipe];
  if (make === undefined) throw new UsageError(`building "${name}": there are ${PROGRAMS.join(', ')}`);
  const sources = await make(version);
  const directory = await mkdtemp(path.join(tmpdir(), 'nightlift-build-'));
  try {
    const lines = (word: string, all: readonly string[] = []): string => all.map((one) => `${word} ${one}\n`).join('');
    const files = {
      'go.mod': `module ${MODULE}\n\n${GO_LINE}\n\n${lines('require', sources.requires)}${lines('replace', sources.replaces)}`,
      ...sources.files,
    };
    for (const [file, text] of Object.entries(files)) {
      const full = path.join(directory, file);
      await mkdir(path.dirname(full), { recursive: true });
      await writeFile(full, text);
    }
    const binary = path.join(directory, 'built');
    const flags = ['-s', '-w', ...(sources.ldflags ?? [])].join(' ');
    await mustRun('go', ['build', '-mod=mod', '-trimpath', '-ldflags', flags, '-o', binary, sources.target ?? '.'], {
      cwd: directory,
      env: { CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '' },
    });
    // Named last: a file that is there is whole.
    const packed = path.join(into, `.${name}.zst.${process.pid}`);
    await mustRun('zstd', ['-q', '-f', '-10', '--long=27', '-T0', binary, '-o', packed]);
    await mustRun('mv', [packed, path.join(into, `${name}.zst`)]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Builds what is not there yet, from the projects' own Go modules: seven minutes for each Kubernetes on two cores. */
export async function buildPrograms(into: string, only: readonly string[], log: (line: string) => void): Promise<void> {
  const wrong = only.find((name) => !Object.keys(RECIPES).includes(name.split(/-(?=\d)/)[0] ?? ''));
  if (wrong !== undefined) throw new UsageError(`building "${wrong}": there are ${PROGRAMS.join(', ')}`);
  for (const program of ['go', 'zstd']) {
    if (!(await hostHas(program)))
      throw new CannotRunHere(`building the programs needs ${program}`, 'apt-get install zstd, and Go from go.dev/dl');
  }
  await mkdir(into, { recursive: true });
  const there = await readdir(into);
  for (const name of only.length > 0 ? only : PROGRAMS) {
    if (there.includes(`${name}.zst`)) {
      log(`${name}: is there`);
      continue;
    }
    log(`${name}: building`);
    await build(name, into);
    log(`${name}: done`);
  }
}
