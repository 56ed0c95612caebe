import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderScript } from '../../src/node/scripts.ts';
import { createCertificateAuthority } from '../../src/rehearsal/api/certificate.ts';
import { whyNot } from './component-process.ts';

const TARGET = '1.36.9';
const VERSION = `${TARGET}-1.1`;
const missing =
  ['gpg', 'gpgv', 'apt-get', 'dpkg-deb'].map(whyNot).find((why) => why !== '') ??
  (process.getuid?.() === 0 ? '' : ' (not tried: apt-get needs root)');

/** A mirror that has never had the secret half of the pinned key, in every way of passing off its own. */
describe.skipIf(missing !== '')(`stage.sh with the real gpg and apt${missing}`, () => {
  let work: string;
  let server: Server;
  let repoBase: string;
  /** What a request has to bring; undefined: nothing. */
  let wanted: string | undefined;
  const homes = { good: '', evil: '' };
  const fingerprints = { good: '', evil: '' };
  type Owner = keyof typeof homes;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'nightlift-trust-'));
    chmodSync(work, 0o755);
    for (const owner of ['good', 'evil'] as const) {
      homes[owner] = join(work, owner);
      mkdirSync(homes[owner], { mode: 0o700 });
      gpg(owner, ['--passphrase', '', '--quick-gen-key', owner, 'rsa2048', 'sign', 'never']);
      fingerprints[owner] = /^fpr:+([0-9A-F]{40}):/m.exec(gpg(owner, ['--list-keys', '--with-colons']))?.[1] ?? '';
    }
    mkdirSync(repository(), { recursive: true });
    writePackages();
    server = createServer(({ url = '', headers }, answer) => {
      if (wanted !== undefined && headers.authorization !== wanted) {
        answer.writeHead(401, { 'www-authenticate': 'Basic realm="mirror"' }).end();
        return;
      }
      const file = join(work, 'www', decodeURIComponent(url));
      if (existsSync(file)) answer.end(readFileSync(file));
      else answer.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    repoBase = `http://127.0.0.1:${(server.address() as AddressInfo).port}/core:/stable:`;
  }, 60_000);

  afterAll(() => {
    server?.close();
    for (const home of Object.values(homes)) execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(work, { recursive: true, force: true });
  });

  function gpg(owner: Owner, args: readonly string[]): string {
    return execFileSync('gpg', ['--batch', '--quiet', '--yes', '--homedir', homes[owner], ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }
  const keyOf = (owner: Owner): string => gpg(owner, ['--armor', '--export']);
  const repository = (): string => join(work, 'www/core:/stable:/v1.36/deb');
  /** Where the package's own kubeadm writes that it was run. */
  const trace = (): string => join(work, 'kubeadm-ran');

  function writePackages(): void {
    const entries = ['kubeadm', 'kubelet', 'kubectl'].map((name) => {
      const root = join(work, 'package', name);
      const deb = join(repository(), `${name}_${VERSION}_all.deb`);
      mkdirSync(join(root, 'DEBIAN'), { recursive: true });
      mkdirSync(join(root, 'usr/bin'), { recursive: true });
      const control = `Package: ${name}\nVersion: ${VERSION}\nArchitecture: all\nMaintainer: x\nDescription: x\n`;
      writeFileSync(join(root, 'DEBIAN/control'), control);
      writeFileSync(join(root, 'usr/bin', name), `#!/bin/sh\n: >${trace()}\necho v${TARGET}\n`, { mode: 0o755 });
      execFileSync('dpkg-deb', ['--root-owner-group', '-b', root, deb], { stdio: 'ignore' });
      const bytes = readFileSync(deb);
      return `${control}Filename: ${name}_${VERSION}_all.deb\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
    });
    const packages = entries.join('\n');
    writeFileSync(join(repository(), 'Packages'), packages);
    writeFileSync(
      join(repository(), 'Release'),
      `Origin: x\nSuite: /\nDate: ${new Date().toUTCString()}\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`,
    );
  }

  function publish(releaseKey: string, signedBy: Owner | undefined): void {
    const [release, signed] = ['Release', 'InRelease'].map((name) => join(repository(), name)) as [string, string];
    writeFileSync(join(repository(), 'Release.key'), releaseKey);
    rmSync(signed, { force: true });
    if (signedBy !== undefined) gpg(signedBy, ['--clearsign', '-o', signed, release]);
  }

  async function onNode(
    name: 'stage' | 'list-releases',
    pins: readonly string[],
    more: { aptConf?: string; source?: string; status?: string } = {},
  ) {
    const { aptConf = '', source = '', status = '' } = more;
    const root = join(work, 'node');
    for (const place of [root, trace()]) rmSync(place, { recursive: true, force: true });
    for (const folder of ['etc/kubernetes', 'etc/apt', 'tmp', 'usr/lib'])
      mkdirSync(join(root, folder), { recursive: true });
    const { certificatePem } = createCertificateAuthority('x').issue({ commonName: 'system:node:w1' });
    const certificate = Buffer.from(certificatePem).toString('base64');
    writeFileSync(join(root, 'etc/kubernetes/kubelet.conf'), `    client-certificate-data: ${certificate}\n`);
    symlinkSync('/usr/lib/apt', join(root, 'usr/lib/apt'));
    writeFileSync(join(root, 'etc/apt/sources.list'), source);
    // What this machine has installed is not part of the question.
    writeFileSync(join(work, 'status'), status);
    writeFileSync(join(work, 'apt.conf'), `Dir::State::status "${join(work, 'status')}";\n${aptConf}`);
    const { text } = renderScript((file) => readFileSync(`templates/node/${file}.sh`, 'utf8'), name, {
      node: 'w1',
      machineId: '',
      repoBase,
      minor: '1.36',
      lockTimeoutSeconds: 5,
      target: TARGET,
      role: 'worker',
      keyFingerprints: pins.join(' '),
      keyWarnDays: 1,
      neededBytes: 1,
    });
    const child = spawn('bash', ['-s'], {
      env: { ...process.env, NIGHTLIFT_ROOT: root, APT_CONFIG: join(work, 'apt.conf') },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
    child.stdin.end(text);
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { exitCode, output, ran: existsSync(trace()), stage: join(root, 'var/lib/nightlift/stage', TARGET) };
  }

  const shown = (file: string): readonly string[] =>
    [...gpg('good', ['--show-keys', '--with-colons', file]).matchAll(/^fpr:+([0-9A-F]{40}):/gm)].map(
      ([, one]) => one ?? '',
    );

  it('D14 takes what the pinned key has signed, and keeps that key alone, in both forms', async () => {
    publish(keyOf('evil') + keyOf('good'), 'good');
    const result = await onNode('stage', [fingerprints.good]);
    expect(result).toMatchObject({ exitCode: 0, ran: true });
    for (const file of ['keyring.gpg', 'keyring.asc'])
      expect(shown(join(result.stage, file))).toEqual([fingerprints.good]);
  });

  it('D14 takes any key when none is pinned', async () => {
    publish(keyOf('evil'), 'evil');
    expect(await onNode('stage', [])).toMatchObject({ exitCode: 0, ran: true });
  });

  it.each<[string, () => string]>([
    ['its own key alone', () => keyOf('evil')],
    ['its own key after the pinned one', () => keyOf('good') + keyOf('evil')],
    ['its own key before the pinned one', () => keyOf('evil') + keyOf('good')],
    ['its own key as a message', () => keyOf('good') + asMessage(keyOf('evil'))],
    [
      'its own key under a name that only apt reads',
      () => keyOf('evil').replaceAll('PGP PUBLIC KEY BLOCK', 'FOO') + keyOf('good'),
    ],
    ['the pinned key and nothing else', () => keyOf('good')],
  ])('D14 runs nothing that a mirror has signed by itself, which offers %s', async (_title, releaseKey) => {
    publish(releaseKey(), 'evil');
    const result = await onNode('stage', [fingerprints.good]);
    expect(result.ran).toBe(false);
    expect([15, 17]).toContain(result.exitCode);
    expect(result.output).toMatch(/nightlift: failed: .*(fingerprint|GPG error|not signed)/);
  });

  it.each([
    ['', ''],
    [
      ', on a node that allows it',
      'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
    ],
  ])('D14 runs nothing that nobody has signed%s', async (_title, aptConf) => {
    publish(keyOf('good'), undefined);
    const result = await onNode('stage', [fingerprints.good], { aptConf });
    expect(result).toMatchObject({ exitCode: 17, ran: false });
    expect(result.output).toMatch(/nightlift: failed: .*(not signed|does not have a Release file|InRelease)/);
  });

  it('D14 learns of no release from what nobody has signed, also when the node takes that repository on trust', async () => {
    const source = (options: string): string => `deb [ ${options} ] ${repoBase}/v1.35/deb/ /\n`;
    publish(keyOf('good'), undefined);
    for (const options of ['trusted=yes', 'arch=all allow-insecure=yes'])
      expect(await onNode('list-releases', [], { source: source(options) })).toMatchObject({ exitCode: 17 });
    publish(keyOf('good'), 'good');
    writeFileSync(join(work, 'good.asc'), keyOf('good'));
    const signed = await onNode('list-releases', [], {
      source: source(`signed-by=${join(work, 'good.asc')} trusted=yes`),
    });
    expect(signed).toMatchObject({
      exitCode: 0,
      output: expect.stringMatching(new RegExp(`kubeadm \\| ${VERSION} \\|`)),
    });
  });

  it('takes the credentials of a mirror from where apt has them on the node, and says them nowhere', async () => {
    publish(keyOf('good'), 'good');
    wanted = `Basic ${Buffer.from('ci:S3CRET-PW').toString('base64')}`;
    try {
      expect(await onNode('stage', [fingerprints.good])).toMatchObject({ exitCode: 15 });
      const auth = join(work, 'auth.conf');
      writeFileSync(auth, `machine ${repoBase.replace(/\/core.*$/, '')} login ci password S3CRET-PW\n`, {
        mode: 0o644,
      });
      const result = await onNode('stage', [fingerprints.good], { aptConf: `Dir::Etc::netrc "${auth}";\n` });
      expect(result, result.output).toMatchObject({ exitCode: 0, ran: true });
      expect(result.output).not.toContain('S3CRET');
    } finally {
      wanted = undefined;
    }
  });

  it('asks for a version in full, whatever release the node prefers', async () => {
    publish(keyOf('good'), 'good');
    const result = await onNode('stage', [fingerprints.good], { aptConf: 'APT::Default-Release "bookworm";\n' });
    expect(result, result.output).toMatchObject({ exitCode: 0, ran: true });
  });

  it('finds out before anything is drained that a package of somebody else would have to go', async () => {
    publish(keyOf('good'), 'good');
    const status = `Package: storage-agent\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\nVersion: 1.0\nBreaks: kubelet (>= ${TARGET})\nDescription: x\n\n`;
    const result = await onNode('stage', [fingerprints.good], { status });
    expect(result).toMatchObject({ exitCode: 12 });
    expect(result.output).toMatch(/storage-agent[^]*nightlift: failed: .*(remove|Breaks|broken|Unable to correct)/);
  });

  it('tells a keyring of Kubernetes alone from one that has the key of another maker', () => {
    const read = (name: string): string => readFileSync(`templates/node/${name}.sh`, 'utf8');
    const functions = read('upgrade-node-source').split('\nfor file in ')[0] ?? '';
    const root = join(work, 'keyrings');
    mkdirSync(join(root, 'etc/apt'), { recursive: true });
    mkdirSync(join(root, 'tmp'));
    const [good, evil] = (['good', 'evil'] as const).map((owner) =>
      execFileSync('gpg', ['--homedir', homes[owner], '--batch', '--export']),
    );
    const files = { 'keyring.gpg': [good], 'ours.gpg': [good], 'both.gpg': [good, evil], 'other.gpg': [evil] };
    for (const [name, parts] of Object.entries(files))
      writeFileSync(join(root, name), Buffer.concat(parts as Buffer[]));
    writeFileSync(join(root, 'text.gpg'), 'no key\n');
    const common = renderScript((name) => read(name), 'node-state', {}).text.split('\n# What is on this node')[0] ?? '';
    const sources = read('sources').replace('{{repoBase}}', "'https://x/core:/stable:'").replace('{{minor}}', "'1.36'");
    const ask = ['ours', 'both', 'other', 'text'].map((name) => `if is_shared /${name}.gpg; then echo ${name}; fi`);
    const script = [common, sources, `stage="$ROOT"`, functions.replace(/^mapfile[^]*?\nfi\n/m, ''), ...ask].join('\n');
    expect(
      execFileSync('bash', ['-s'], {
        input: script,
        encoding: 'utf8',
        env: { ...process.env, NIGHTLIFT_ROOT: root, HOME: '/nowhere' },
      }),
    ).toBe('both\nother\n');
  });
});

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The same packets under another heading: `gpg --show-keys` passes over it, `gpg --dearmor` does not. */
function asMessage(armored: string): string {
  return armored.replaceAll('PGP PUBLIC KEY BLOCK', 'PGP MESSAGE');
}
