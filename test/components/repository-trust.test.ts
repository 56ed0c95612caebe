import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KUBEADM_IMAGES } from '../../src/facts/image-sources.ts';
import { renderScript } from '../../src/node/scripts.ts';
import {
  createAptNode,
  createMaker,
  filesOf,
  type Maker,
  missing,
  scripts,
  serve,
  sign,
  writeRepository,
} from './apt-node.ts';

const TARGET = '1.36.9';
const VERSION = `${TARGET}-1.1`;

/** A mirror that has never had the secret half of the pinned key, in every way of passing off its own. */
describe.skipIf(missing !== '')(`stage.sh with the real gpg and apt${missing}`, { timeout: 120_000 }, () => {
  let work: string;
  let server: Awaited<ReturnType<typeof serve>>;
  let repoBase: string;
  /** What a request has to bring; undefined: nothing. */
  let wanted: string | undefined;
  type Owner = 'good' | 'evil';
  const makers = new Map<Owner, Maker>();
  const fingerprints = { good: '', evil: '' };

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'nightlift-trust-'));
    chmodSync(work, 0o755);
    for (const owner of ['good', 'evil'] as const) {
      const made = createMaker(join(work, owner), owner);
      makers.set(owner, made);
      fingerprints[owner] = made.fingerprint;
    }
    const program = `: >${trace()}\necho v${TARGET}`;
    writeRepository(
      repository(),
      ['kubeadm', 'kubelet', 'kubectl'].map((name) => ({ name, version: VERSION, program })),
    );
    const files = filesOf(join(work, 'www'));
    server = await serve((request, answer) => {
      if (wanted !== undefined && request.headers.authorization !== wanted)
        answer.writeHead(401, { 'www-authenticate': 'Basic realm="mirror"' }).end();
      else files(request, answer);
    });
    repoBase = `${server.url}/core:/stable:`;
  }, 60_000);

  afterAll(() => {
    server?.close();
    for (const made of makers.values()) made.end();
    rmSync(work, { recursive: true, force: true });
  });

  const maker = (owner: Owner): Maker => {
    const made = makers.get(owner);
    if (made === undefined) throw new Error(`${owner} has no key yet`);
    return made;
  };
  const keyOf = (owner: Owner): string => maker(owner).armored();
  const repository = (): string => join(work, 'www/core:/stable:/v1.36/deb');
  /** Where the package's own kubeadm writes that it was run. */
  const trace = (): string => join(work, 'kubeadm-ran');

  function publish(releaseKey: string, signedBy: Owner | undefined): void {
    sign(repository(), releaseKey, signedBy === undefined ? undefined : maker(signedBy));
  }

  async function onNode(
    name: 'stage' | 'list-releases',
    pins: readonly string[],
    more: { aptConf?: string; source?: string; status?: string } = {},
  ) {
    const { aptConf = '', source = '', status = '' } = more;
    rmSync(trace(), { force: true });
    const node = createAptNode(join(work, 'node'), status);
    node.put('etc/apt/sources.list', source);
    node.put('etc/apt/apt.conf.d/99node', aptConf);
    const repository = { repoBase, lockTimeoutSeconds: 5 };
    const script =
      name === 'list-releases'
        ? scripts.listReleases({ ...repository, minor: '1.36' })
        : scripts.stage({
            ...repository,
            node: 'w1',
            machineId: '',
            target: TARGET,
            role: 'worker',
            keyFingerprints: pins,
            keyWarnDays: 1,
            neededBytes: 1,
            images: KUBEADM_IMAGES,
          });
    const { exitCode, output } = await node.run(script);
    return { exitCode, output, ran: existsSync(trace()), stage: node.path(`var/lib/nightlift/stage/${TARGET}`) };
  }

  const shown = (file: string): readonly string[] =>
    [
      ...maker('good')
        .gpg(['--show-keys', '--with-colons', file])
        .matchAll(/^fpr:+([0-9A-F]{40}):/gm),
    ].map(([, one]) => one ?? '');

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

  it('tells a keyring of Kubernetes alone from one that has the key of another maker', async () => {
    const read = (name: string): string => readFileSync(`templates/node/${name}.sh`, 'utf8');
    const functions = read('upgrade-node-source').split('\nfor file in ')[0] ?? '';
    const node = createAptNode(join(work, 'node'));
    const [good, evil] = (['good', 'evil'] as const).map((owner) => maker(owner).keyring());
    const files = { 'keyring.gpg': [good], 'ours.gpg': [good], 'both.gpg': [good, evil], 'other.gpg': [evil] };
    for (const [name, parts] of Object.entries(files))
      node.put(name, Buffer.concat(parts.map((part) => part ?? Buffer.alloc(0))));
    node.put('text.gpg', 'no key\n');
    node.put('used.gpg', good ?? '');
    node.put('etc/apt/sources.list', 'deb [signed-by=/used.gpg] http://other.example/ /\n');
    const common = renderScript(read, 'node-state', {}).text.split('\n# What is on this node')[0] ?? '';
    const sources = read('sources').replace('{{repoBase}}', "'https://x/core:/stable:'").replace('{{minor}}', "'1.36'");
    const ask = ['ours', 'both', 'other', 'text', 'used'].map(
      (name) => `if is_shared /${name}.gpg; then echo ${name}; fi`,
    );
    const text = [
      common,
      read('source-files'),
      sources,
      'stage="$ROOT"',
      functions.replace(/^mapfile[^]*?\nfi\n/m, ''),
      ...ask,
    ].join('\n');
    expect(await node.run({ text })).toMatchObject({ exitCode: 0, output: 'both\nother\nused\n' });
  });
});

/** The same packets under another heading: `gpg --show-keys` passes over it, `gpg --dearmor` does not. */
function asMessage(armored: string): string {
  return armored.replaceAll('PGP PUBLIC KEY BLOCK', 'PGP MESSAGE');
}
