import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KUBEADM_IMAGES } from '../../src/facts/image-sources.ts';
import type { NodeSurvey } from '../../src/facts/node-survey.ts';
import { parseSurvey } from '../../src/node/parse-survey.ts';
import {
  type AptNode,
  buildDeb,
  copyAptNode,
  createAptNode,
  createMaker,
  type Deb,
  filesOf,
  type Maker,
  missing,
  type ScriptRun,
  scripts,
  serve,
  sign,
  writeRepository,
} from './apt-node.ts';

const KEYRING = '/etc/apt/keyrings/kubernetes-apt-keyring.gpg';
const SOURCE = '/etc/apt/sources.list.d/kubernetes.list';
const OURS = ['kubeadm', 'kubectl', 'kubelet'];

/** `criTools`: the oldest that this kubeadm goes with. */
const release = (version: string, criTools: string): readonly Deb[] => [
  {
    name: 'kubeadm',
    version: `${version}-1.1`,
    fields: [`Depends: cri-tools (>= ${criTools})`],
    program: `echo v${version}`,
  },
  { name: 'kubelet', version: `${version}-1.1`, fields: ['Depends: kubernetes-cni (>= 1.2.0)'] },
  { name: 'kubectl', version: `${version}-1.1` },
];

/** Of a node as other people have it: real apt, dpkg and gpg, in a root of their own. */
describe.skipIf(missing !== '')(`a node with the real apt and dpkg${missing}`, { timeout: 120_000 }, () => {
  let work: string;
  let www: string;
  let server: Awaited<ReturnType<typeof serve>>;
  let repoBase: string;
  const makers: Partial<Record<'kubernetes' | 'other', Maker>> = {};
  /** On 1.36.3, its packages on hold. */
  let pristine: AptNode;
  const children: ChildProcess[] = [];

  const maker = (name: keyof typeof makers): Maker => {
    const found = makers[name];
    if (found === undefined) throw new Error(`${name} has no key yet`);
    return found;
  };

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'nightlift-apt-'));
    chmodSync(work, 0o755);
    for (const name of ['kubernetes', 'other'] as const) makers[name] = createMaker(join(work, name), name);
    www = join(work, 'www');
    const ours = join(www, 'core:/stable:/v1.36/deb');
    writeRepository(ours, [
      ...release('1.36.3', '1.30.0'),
      ...release('1.36.4', '1.30.0'),
      ...release('1.36.5', '1.36.0'),
      { name: 'cri-tools', version: '1.35.0-1.1' },
      { name: 'cri-tools', version: '1.36.0-1.1' },
      { name: 'kubernetes-cni', version: '1.7.1-1.1' },
      { name: 'kubernetes-cni', version: '1.8.0-1.1' },
    ]);
    sign(ours, maker('kubernetes').armored(), maker('kubernetes'));
    writeRepository(join(www, 'other'), [{ name: 'storage-agent', version: '1.0' }]);
    sign(join(www, 'other'), '', maker('other'));
    server = await serve(filesOf(www));
    repoBase = `${server.url}/core:/stable:`;
    pristine = createAptNode(join(work, 'pristine'));
    pristine.put(SOURCE, `deb [signed-by=${KEYRING}] ${repoBase}/v1.36/deb/ /\n`);
    pristine.put(KEYRING, maker('kubernetes').keyring());
    const installed = [...OURS.map((name) => `${name}_1.36.3-1.1`), 'cri-tools_1.35.0-1.1', 'kubernetes-cni_1.7.1-1.1'];
    pristine.call('dpkg', ['-i', ...installed.map((name) => join(ours, `${name}_all.deb`))]);
    pristine.call('apt-mark', ['hold', ...OURS]);
  }, 60_000);

  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    server?.close();
    for (const one of Object.values(makers)) one.end();
    rmSync(work, { recursive: true, force: true });
  });

  const fresh = (): AptNode => copyAptNode(pristine, join(work, 'node'));
  const given = (more: { target?: string; base?: string; lockTimeoutSeconds?: number } = {}) => ({
    node: 'w1',
    machineId: '',
    repoBase: more.base ?? repoBase,
    lockTimeoutSeconds: more.lockTimeoutSeconds ?? 20,
    target: more.target ?? '1.36.4',
    role: 'worker' as const,
  });
  const stage = (node: AptNode, more: Parameters<typeof given>[0] = {}): Promise<ScriptRun> =>
    node.run(
      scripts.stage({ ...given(more), keyFingerprints: [], keyWarnDays: 1, neededBytes: 1, images: KUBEADM_IMAGES }),
    );
  const upgrade = (node: AptNode, more: Parameters<typeof given>[0] = {}): Promise<ScriptRun> =>
    node.run(
      scripts.upgradeNode({
        ...given(more),
        ignorePreflightErrors: [],
        skipPhases: [],
        patchesDirectory: '',
        etcdUpgrade: true,
      }),
    );
  const listReleases = (node: AptNode): Promise<ScriptRun> =>
    node.run(scripts.listReleases({ repoBase, lockTimeoutSeconds: 20, minor: '1.36' }));
  const survey = async (node: AptNode): Promise<NodeSurvey> =>
    parseSurvey((await node.run(scripts.survey({ node: 'w1', machineId: '' }))).stdout, undefined);

  /** As `dpkg -l` has it: state and version by name. */
  const packages = (node: AptNode): Readonly<Record<string, string>> => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills them in
    const format = '${Package}\t${db:Status-Abbrev}\t${Version}\n';
    const lines = node.call('dpkg-query', ['-W', '-f', format]).trim().split('\n');
    return Object.fromEntries(
      lines.map((line) => {
        const [name = '', state = '', version = ''] = line.split('\t');
        return [name, `${state.trim()} ${version}`] as const;
      }),
    );
  };
  /** What the packages are after an upgrade that touches ours alone. */
  const on = (version: string) => ({
    ...Object.fromEntries(OURS.map((name) => [name, `hi ${version}-1.1`])),
    'cri-tools': 'ii 1.35.0-1.1',
    'kubernetes-cni': 'ii 1.7.1-1.1',
  });
  /** A package of somebody else; `false` when it may fail. */
  function install(node: AptNode, deb: Deb, mustSucceed = true): void {
    buildDeb(work, deb);
    try {
      node.call('dpkg', ['-i', join(work, `${deb.name}_${deb.version}_all.deb`)]);
    } catch (error) {
      if (mustSucceed) throw error;
    }
  }
  /** The lists of the node's own sources, as its own `apt-get update` fetches them. */
  async function update(node: AptNode): Promise<string> {
    for (const name of readdirSync(node.path('etc/apt/sources.list.d'))) {
      const file = `etc/apt/sources.list.d/${name}`;
      node.put(file, node.read(file).replaceAll(/(signed-by(?:=|: ))\//gi, `$1${node.root}/`));
    }
    return (await node.run({ text: 'apt-get update -o APT::Update::Error-Mode=any' })).output;
  }
  /** Holds the lock as apt and dpkg do (fcntl). @returns when it is held. */
  async function lock(node: AptNode, file: string, seconds: number): Promise<ChildProcess> {
    // struct flock on Linux: type and whence, both short, then start, length and pid.
    const program =
      'open(my $f, ">>", $ARGV[0]) or die; my $lock = pack("s s x4 q q l x4", 1, 0, 0, 0, 0); fcntl($f, 6, $lock) or die; $| = 1; print "held"; sleep $ARGV[1]';
    const child = spawn('perl', ['-e', program, node.path(file), String(seconds)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    await new Promise((resolve, reject) => {
      child.stdout?.once('data', resolve);
      child.once('close', () => reject(new Error(`the lock ${file} could not be had`)));
    });
    return child;
  }

  it('is upgraded, our packages alone and on hold again, whatever release it prefers', async () => {
    const node = fresh();
    node.put('etc/apt/apt.conf.d/01release', 'APT::Default-Release "bookworm";\n');
    const staged = await stage(node);
    expect(staged, staged.output).toMatchObject({ exitCode: 0 });
    expect(packages(node)).toEqual(on('1.36.3'));
    const upgraded = await upgrade(node);
    expect(upgraded, upgraded.output).toMatchObject({ exitCode: 0 });
    expect(packages(node)).toEqual(on('1.36.4'));
    await update(node);
    expect(await listReleases(node)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/kubelet \| 1\.36\.4-1\.1 \|/) as string,
    });
  });

  it('fetches key and packages through the proxy that only its apt.conf names', async () => {
    const asked = new Set<string>();
    const files = filesOf(www);
    const proxy = await serve((request, answer) => {
      asked.add(new URL(request.url ?? '', 'http://direct').host);
      files(request, answer);
    });
    try {
      const node = fresh();
      const base = 'http://packages.invalid/core:/stable:';
      node.put(SOURCE, `deb [signed-by=${KEYRING}] ${base}/v1.36/deb/ /\n`);
      expect(await stage(node, { base })).toMatchObject({ exitCode: 15 });
      node.put('etc/apt/apt.conf.d/02proxy', `Acquire::http::Proxy "${proxy.url}";\n`);
      const staged = await stage(node, { base });
      expect(staged, staged.output).toMatchObject({ exitCode: 0 });
      expect(await upgrade(node, { base })).toMatchObject({ exitCode: 0 });
      expect([...asked]).toEqual(['packages.invalid']);
      expect((await survey(node)).apt.proxies).toEqual([`Acquire::http::Proxy ${proxy.url}`]);
    } finally {
      proxy.close();
    }
  });

  it('can still read what another maker has signed when one keyring had the keys of both', async () => {
    const node = fresh();
    const shared = '/usr/share/keyrings/third-party.gpg';
    node.put(shared, Buffer.concat([maker('other').keyring(), maker('kubernetes').keyring()]));
    node.put(SOURCE, `deb [signed-by=${shared}] ${repoBase}/v1.36/deb/ /\n`);
    node.put('etc/apt/sources.list.d/other.list', `deb [signed-by=${shared}] ${server.url}/other/ /\n`);
    expect(await stage(node)).toMatchObject({ exitCode: 0 });
    const upgraded = await upgrade(node);
    expect(upgraded, upgraded.output).toMatchObject({ exitCode: 0 });
    expect(upgraded.output).toContain(`${shared} is not for Kubernetes alone`);
    expect(readFileSync(node.path(shared))).toEqual(
      Buffer.concat([maker('other').keyring(), maker('kubernetes').keyring()]),
    );
    expect(await update(node)).not.toMatch(/NO_PUBKEY|^[EW]: /m);
  });

  it('with a package of somebody else that is half configured is refused before the drain, and by the survey', async () => {
    const node = fresh();
    install(node, { name: 'storage-agent', version: '1.0', postinst: 'exit 1' }, false);
    expect(packages(node)['storage-agent']).toBe('iF 1.0');
    expect((await survey(node)).packages).toContainEqual({
      name: 'storage-agent',
      version: '1.0',
      held: false,
      installed: false,
    });
    expect(await stage(node, { lockTimeoutSeconds: 1 })).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/failed: .*not wholly installed.*: storage-agent\n.*dpkg --configure -a/) as string,
    });
  });

  it('is asked again right before the drain, whatever was fetched before', async () => {
    const node = fresh();
    expect(await stage(node)).toMatchObject({ exitCode: 0 });
    install(node, { name: 'storage-agent', version: '1.0', fields: ['Breaks: kubelet (>= 1.36.4)'] });
    const refused = await stage(node);
    expect(refused, refused.output).toMatchObject({ exitCode: 12 });
    expect(refused.output).toMatch(/storage-agent[^]*nightlift: failed: /);
    // The upgrade itself, which would come after the drain, removes nothing either.
    const upgraded = await upgrade(node);
    expect(upgraded, upgraded.output).toMatchObject({ exitCode: 30 });
    expect(packages(node)).toMatchObject({ 'storage-agent': 'ii 1.0', kubelet: 'hi 1.36.3-1.1' });
    node.call('dpkg', ['--purge', 'storage-agent']);
    expect(await stage(node)).toMatchObject({ exitCode: 0 });
    expect(await upgrade(node)).toMatchObject({ exitCode: 0 });
    expect(packages(node)).toEqual(on('1.36.4'));
  });

  it('is let through to its own upgrade where that was interrupted in dpkg, which finishes it', async () => {
    const node = fresh();
    expect(await stage(node)).toMatchObject({ exitCode: 0 });
    // As dpkg leaves it when it is killed: unpacked, and the journal not yet put away.
    node.call('dpkg', ['--unpack', join(www, 'core:/stable:/v1.36/deb/kubeadm_1.36.4-1.1_all.deb')]);
    const stanza = /(?:^|\n)(Package: kubeadm\n[^]*?\n)\n/.exec(node.read('var/lib/dpkg/status'))?.[1] ?? '';
    node.put('var/lib/dpkg/updates/0001', stanza);
    expect(packages(node)['kubeadm']).toBe('iU 1.36.4-1.1');
    const staged = await stage(node);
    expect(staged, staged.output).toMatchObject({ exitCode: 0 });
    const upgraded = await upgrade(node);
    expect(upgraded, upgraded.output).toMatchObject({ exitCode: 0 });
    expect(upgraded.output).toContain('finishing what an interrupted dpkg left behind');
    expect(packages(node)).toEqual(on('1.36.4'));
  });

  it('has what stands on hold of others left alone: the staging names it', async () => {
    const node = fresh();
    node.call('apt-mark', ['hold', 'cri-tools']);
    expect(await stage(node)).toMatchObject({ exitCode: 0 });
    const refused = await stage(node, { target: '1.36.5' });
    expect(refused, refused.output).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/on hold: cri-tools\n.*apt-mark unhold cri-tools/) as string,
    });
    node.call('apt-mark', ['unhold', 'cri-tools']);
    const staged = await stage(node, { target: '1.36.5' });
    expect(staged, staged.output).toMatchObject({ exitCode: 0 });
    expect(staged.output).toContain('apt will install or change cri-tools as well');
    expect(await upgrade(node, { target: '1.36.5' })).toMatchObject({ exitCode: 0 });
    expect(packages(node)).toEqual({ ...on('1.36.5'), 'cri-tools': 'ii 1.36.0-1.1' });
  });

  it('has its packages on hold at the end when another program held the lock of dpkg for a while', async () => {
    const node = fresh();
    expect(await stage(node)).toMatchObject({ exitCode: 0 });
    expect(await upgrade(node)).toMatchObject({ exitCode: 0 });
    node.call('apt-mark', ['unhold', ...OURS]);
    const holder = await lock(node, 'var/lib/dpkg/lock', 6);
    const again = await upgrade(node);
    expect(again, again.output).toMatchObject({ exitCode: 0 });
    expect(holder.exitCode).toBe(0);
    expect(packages(node)).toEqual(on('1.36.4'));
    // And says so when it is not let in at all.
    node.call('apt-mark', ['unhold', ...OURS]);
    await lock(node, 'var/lib/dpkg/lock', 30);
    expect(await upgrade(node, { lockTimeoutSeconds: 3 })).toMatchObject({
      exitCode: 13,
      output: expect.stringContaining('not on hold') as string,
    });
  });

  it.each(['no', 'No', 'false', 'off', '0', 'without', 'disable', '\tno '])(
    'has no source of Kubernetes where apt takes it for switched off: Enabled: %j',
    async (value) => {
      const node = fresh();
      rmSync(node.path(SOURCE));
      const stanza = (enabled: string): string =>
        `Types: deb\nURIs: ${repoBase}/v1.36/deb/\nSuites: /\nSigned-By: ${node.path(KEYRING)}\nEnabled:${enabled}\n`;
      const file = 'etc/apt/sources.list.d/kubernetes.sources';
      node.put(file, stanza(` ${value}`));
      expect(await update(node)).not.toContain(server.url);
      expect(await listReleases(node)).toMatchObject({
        exitCode: 10,
        output: expect.stringContaining('no apt source of this node is under') as string,
      });
      expect((await survey(node)).apt.sources).toMatchObject([{ enabled: false }]);
      node.put(file, stanza(' yes'));
      expect(await listReleases(node)).toMatchObject({ exitCode: 0 });
      expect((await survey(node)).apt.sources).toMatchObject([{ enabled: true }]);
    },
  );

  it('says by stanza where packages come from, and what apt goes by besides', async () => {
    const node = fresh();
    rmSync(node.path(SOURCE));
    const pgp = maker('kubernetes').armored().trim().replaceAll(/^$/gm, '.').replaceAll(/^/gm, ' ');
    node.put(
      'etc/apt/sources.list.d/all.sources',
      [
        `Types: deb\nURIs: http://ci:S3CRET-PW@deb.example/debian\nSuites: stable stable-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian.gpg`,
        `# of a person\nTypes: deb\nURIs:\n ${repoBase}/v1.36/deb/\nSuites: /\nSigned-By:\n${pgp}`,
        `X-Repolib-Name: off\nEnabled: no\nTypes: deb\nURIs: http://off.example/\nSuites: /`,
      ].join('\n\n'),
    );
    node.put(
      'etc/apt/sources.list',
      '# none\ndeb [arch=amd64 signed-by=/a.gpg,/b.gpg] http://line.example/ x main # note\n',
    );
    node.put(
      'etc/apt/apt.conf.d/50unattended',
      'APT::Default-Release "stable";\nAPT::Periodic::Unattended-Upgrade "1";\nUnattended-Upgrade::Allowed-Origins { "Debian:stable"; "*:*"; };\nUnattended-Upgrade::Package-Blacklist { "kubelet"; };\nAcquire::https::Proxy::packages.example "http://me:S3CRET-PW@proxy.example:3128/";\n',
    );
    node.put('etc/apt/preferences.d/kube', 'Package: kube*\nPin: version 1.36.3-*\nPin-Priority: 1001\n');
    const { stdout } = await node.run(scripts.survey({ node: 'w1', machineId: '' }));
    expect(stdout).not.toContain('S3CRET');
    const { apt } = parseSurvey(stdout, undefined);
    expect(apt).toMatchObject({
      sources: [
        { file: '/etc/apt/sources.list', enabled: true, signedBy: ['/a.gpg', '/b.gpg'] },
        {
          enabled: true,
          signedBy: ['/usr/share/keyrings/debian.gpg'],
          text: expect.stringContaining('***@') as string,
        },
        { enabled: true, signedBy: ['inline'], text: expect.stringContaining(`${repoBase}/v1.36/deb/`) as string },
        { enabled: false, signedBy: [] },
      ],
      proxies: ['Acquire::https::Proxy::packages.example http://***@proxy.example:3128/'],
      defaultRelease: 'stable',
      unattended: expect.arrayContaining(['Allowed-Origins:: *:*', 'Package-Blacklist:: kubelet']) as string[],
      pins: [expect.stringContaining('Pin: version 1.36.3-*') as string],
    });
  });

  it('says who is at work on its packages, and since when; what apt does not go by is no lock', async () => {
    const node = fresh();
    await stage(node);
    node.put('var/lib/dpkg/lock', '');
    const other = spawn('flock', [node.path('var/lib/dpkg/lock'), 'sleep', '30'], { stdio: 'ignore' });
    children.push(other);
    await sleep(300);
    expect((await survey(node)).apt.locks).toEqual([]);
    other.kill();
    const slow: Deb = { name: 'slow-package', version: '1.0', postinst: `: >${work}/begun; sleep 30` };
    buildDeb(work, slow);
    const apt = spawn('apt-get', ['install', '-y', join(work, 'slow-package_1.0_all.deb')], {
      env: node.environment,
      stdio: 'ignore',
    });
    children.push(apt);
    for (let i = 0; i < 100 && !existsSync(join(work, 'begun')); i += 1) await sleep(100);
    const { locks, ...rest } = (await survey(node)).apt;
    expect(locks, JSON.stringify(rest)).toEqual(
      expect.arrayContaining([
        {
          file: '/var/lib/dpkg/lock-frontend',
          pid: apt.pid,
          program: 'apt-get',
          seconds: expect.any(Number) as number,
        },
        expect.objectContaining({ file: '/var/lib/dpkg/lock', program: 'dpkg' }),
      ]),
    );
    for (const { seconds } of locks) expect(seconds).toBeLessThan(60);
  });

  it('has nothing broken where a package was removed, also on hold: only its settings are left', async () => {
    const node = fresh();
    install(node, { name: 'snapd', version: '2.0', fields: [], postinst: ':' });
    node.call('dpkg', ['--set-selections'], 'snapd hold\n');
    const status = node.read('var/lib/dpkg/status');
    for (const state of ['hold ok config-files', 'install ok config-files', 'deinstall ok config-files']) {
      node.put(
        'var/lib/dpkg/status',
        status.replace(
          'Status: hold ok installed\nMaintainer: x\nArchitecture: all\nVersion: 2.0',
          `Status: ${state}\nMaintainer: x\nArchitecture: all\nVersion: 2.0`,
        ),
      );
      expect(packages(node)['snapd']).toMatch(/^[hir]c 2\.0$/);
      expect((await survey(node)).packages.filter(({ installed }) => !installed)).toEqual([]);
      expect(await stage(node)).toMatchObject({ exitCode: 0 });
    }
  });
});
