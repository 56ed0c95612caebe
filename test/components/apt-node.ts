import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { type NodeScript, type NodeScripts, nodeScripts } from '../../src/node/scripts.ts';
import { createCertificateAuthority } from '../../src/rehearsal/api/certificate.ts';
import { whyNot } from './component-process.ts';

/** What these tests need of the machine; empty when it is there. */
export const missing =
  ['gpg', 'gpgv', 'apt-get', 'dpkg-deb', 'flock'].map(whyNot).find((why) => why !== '') ??
  (process.getuid?.() === 0 ? '' : ' (not tried: apt-get needs root)');

export const scripts: NodeScripts = nodeScripts((file) => readFileSync(`templates/node/${file}.sh`, 'utf8'));

/** Somebody who signs packages. */
export interface Maker {
  readonly home: string;
  readonly fingerprint: string;
  gpg(args: readonly string[]): string;
  armored(): string;
  keyring(): Buffer;
  end(): void;
}

export function createMaker(home: string, name: string): Maker {
  mkdirSync(home, { mode: 0o700 });
  const options = ['--batch', '--quiet', '--yes', '--homedir', home];
  const gpg = (args: readonly string[]): string =>
    execFileSync('gpg', [...options, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  gpg(['--passphrase', '', '--quick-gen-key', name, 'rsa2048', 'sign', 'never']);
  return {
    home,
    fingerprint: /^fpr:+([0-9A-F]{40}):/m.exec(gpg(['--list-keys', '--with-colons']))?.[1] ?? '',
    gpg,
    armored: () => gpg(['--armor', '--export']),
    keyring: () => execFileSync('gpg', [...options, '--export']),
    end: () => void execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']),
  };
}

export interface Deb {
  readonly name: string;
  readonly version: string;
  /** More fields of its control file, such as `Depends: x`. */
  readonly fields?: readonly string[];
  /** What its program of the same name does, in sh. */
  readonly program?: string;
  readonly postinst?: string;
}

/** Builds the package below `folder`, whose name is a part of the path. @returns its stanza for the list of packages. */
export function buildDeb(folder: string, { name, version, fields = [], program = ':', postinst }: Deb): string {
  const contents = join(folder, '.contents');
  const file = `${name}_${version}_all.deb`;
  mkdirSync(join(contents, 'DEBIAN'), { recursive: true });
  mkdirSync(join(contents, 'usr/bin'), { recursive: true });
  const lines = [`Package: ${name}`, `Version: ${version}`, 'Architecture: all', 'Maintainer: x', ...fields];
  const control = `${[...lines, 'Description: x'].join('\n')}\n`;
  writeFileSync(join(contents, 'DEBIAN/control'), control);
  if (postinst !== undefined)
    writeFileSync(join(contents, 'DEBIAN/postinst'), `#!/bin/sh\n${postinst}\n`, { mode: 0o755 });
  writeFileSync(join(contents, 'usr/bin', name), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', contents, join(folder, file)], { stdio: 'ignore' });
  rmSync(contents, { recursive: true });
  const bytes = readFileSync(join(folder, file));
  return `${control}Filename: ${file}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
}

/** A flat repository with the lists that `apt-get update` fetches; who signs it is decided by `sign`. */
export function writeRepository(folder: string, debs: readonly Deb[]): void {
  mkdirSync(folder, { recursive: true });
  const packages = debs.map((deb) => buildDeb(folder, deb)).join('\n');
  writeFileSync(join(folder, 'Packages'), packages);
  const date = new Date().toUTCString();
  writeFileSync(
    join(folder, 'Release'),
    `Origin: x\nSuite: /\nDate: ${date}\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`,
  );
}

export function sign(folder: string, releaseKey: string, by: Maker | undefined): void {
  writeFileSync(join(folder, 'Release.key'), releaseKey);
  rmSync(join(folder, 'InRelease'), { force: true });
  by?.gpg(['--clearsign', '-o', join(folder, 'InRelease'), join(folder, 'Release')]);
}

export async function serve(listener: RequestListener): Promise<{ readonly url: string; close(): void }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

/** The files of a folder; a URL that is a whole one is taken by its path, as a proxy gets it. */
export function filesOf(folder: string): RequestListener {
  return ({ url = '' }, answer) => {
    const file = join(folder, decodeURIComponent(new URL(url, 'http://x').pathname));
    if (existsSync(file)) answer.end(readFileSync(file));
    else answer.writeHead(404).end();
  };
}

export interface ScriptRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  /** Of both streams, as they came. */
  readonly output: string;
}

/**
 * A root of its own for the real apt and dpkg: what they read, change and lock is in there, and nothing of this machine is.
 * systemctl and curl say that all is well.
 */
export interface AptNode {
  readonly root: string;
  path(file: string): string;
  put(file: string, content: string | Buffer): void;
  read(file: string): string;
  /** `shell`: what reads the script from its standard input. */
  run(script: Pick<NodeScript, 'text'>, shell?: readonly string[]): Promise<ScriptRun>;
  /** A program on this node, which asks no server of this process. @throws when it fails. */
  call(program: string, args: readonly string[], input?: string): string;
  readonly environment: NodeJS.ProcessEnv;
}

export function openAptNode(root: string): AptNode {
  const path = (file: string): string => join(root, file);
  const environment = {
    ...process.env,
    LC_ALL: 'C',
    DEBIAN_FRONTEND: 'noninteractive',
    NIGHTLIFT_ROOT: root,
    APT_CONFIG: path('.apt.conf'),
    DPKG_ROOT: root,
    DPKG_ADMINDIR: path('var/lib/dpkg'),
    // Nothing that a script of a package calls is in there.
    DPKG_FORCE: 'script-chrootless',
    PATH: [path('.stand-ins'), path('usr/bin'), process.env['PATH']].join(delimiter),
  };
  return {
    root,
    path,
    environment,
    put(file, content) {
      mkdirSync(dirname(path(file)), { recursive: true });
      writeFileSync(path(file), content);
    },
    read: (file) => readFileSync(path(file), 'utf8'),
    call: (program, args, input = '') =>
      execFileSync(program, args, { env: environment, input, encoding: 'utf8', stdio: 'pipe' }),
    async run({ text }, shell = ['bash', '-s']) {
      const [program = '', ...args] = shell;
      const child = spawn(program, args, { env: environment });
      let output = '';
      let stdout = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (part: Buffer) => {
          output += part.toString();
          if (stream === child.stdout) stdout += part.toString();
        });
      child.stdin.end(text);
      const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { exitCode, stdout, output };
    },
  };
}

/** Made anew; `status` is what dpkg knows of. */
export function createAptNode(root: string, status = ''): AptNode {
  rmSync(root, { recursive: true, force: true });
  const node = openAptNode(root);
  const folders = ['info', 'updates', 'triggers'].map((name) => `var/lib/dpkg/${name}`);
  for (const folder of [
    ...folders,
    'etc/apt',
    'etc/kubernetes',
    'tmp',
    'usr/bin',
    'usr/lib',
    'var/log/apt',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
  ])
    mkdirSync(node.path(folder), { recursive: true });
  node.put('var/lib/dpkg/status', status);
  node.put('var/lib/dpkg/available', '');
  for (const folder of ['apt.conf.d', 'preferences.d']) mkdirSync(node.path(`etc/apt/${folder}`));
  node.put('.apt.conf', `Dir "${root}/";\nDir::State::status "${node.path('var/lib/dpkg/status')}";\n`);
  for (const name of ['systemctl', 'curl']) {
    node.put(`.stand-ins/${name}`, '#!/bin/sh\nexit 0\n');
    execFileSync('chmod', ['755', node.path(`.stand-ins/${name}`)]);
  }
  const { certificatePem } = createCertificateAuthority('x').issue({ commonName: 'system:node:w1' });
  node.put(
    'etc/kubernetes/kubelet.conf',
    `    client-certificate-data: ${Buffer.from(certificatePem).toString('base64')}\n`,
  );
  symlinkSync('/usr/lib/apt', node.path('usr/lib/apt'));
  symlinkSync('/proc', node.path('proc'));
  return node;
}

/** Another one that is like this. */
export function copyAptNode({ root }: AptNode, to: string): AptNode {
  rmSync(to, { recursive: true, force: true });
  cpSync(root, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  const node = openAptNode(to);
  node.put('.apt.conf', node.read('.apt.conf').replaceAll(root, to));
  return node;
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
