import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../node/explain-failure.ts';
import { WITHOUT_LOCK } from '../../node/fence.ts';
import { planIsUpToDate, planNamesTarget } from '../../node/kubeadm-output.ts';
import { parseUpgradeDiff } from '../../node/upgrade-diff.ts';
import { startTestBench, type TestBench } from './test-bench.ts';
import {
  BOTH,
  CONTROL_PLANE,
  repository,
  run,
  stage,
  stateOf,
  thisNode,
  until,
  upgrade,
  WORKER,
} from './test-steps.ts';

describe('stage.sh', () => {
  it('changes nothing that is in use, and is quick the second time', async () => {
    await using bench = await startTestBench(BOTH);
    const before = await stateOf(bench, 'cp1');
    await stage(bench, 'cp1', 'first-control-plane');
    const after = await stateOf(bench, 'cp1');
    expect(after.packages).toEqual(before.packages);
    expect(after.sources).toEqual(before.sources);
    expect(after.staged).toEqual(['1.36.4']);
    expect(after.images.get('1.36.4')).toContain('registry.k8s.io/etcd:3.6.8-0');
    const downloads = bench.feed.downloads.length;
    expect(await stage(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    expect(bench.feed.downloads).toHaveLength(downloads);
  });

  it('removes records of ended commands after a week, and no others', async () => {
    await using bench = await startTestBench(BOTH);
    const units = bench.nodes.node('w1').machine.path('/var/lib/nightlift/units');
    const days = (count: number): Date => new Date(Date.now() - count * 86_400_000);
    for (const [name, file, age] of [
      ['old', 'rc', 9],
      ['recent', 'rc', 2],
      ['running', 'log', 9],
    ] as const) {
      mkdirSync(join(units, name), { recursive: true });
      writeFileSync(join(units, name, file), 'success exited 0\n');
      utimesSync(join(units, name, file), days(age), days(age));
    }
    await stage(bench, 'w1', 'worker');
    expect(readdirSync(units).filter((name) => !name.startsWith('.'))).toEqual(['recent', 'running']);
  });

  it('takes the revision that the repository lists', async () => {
    await using bench = await startTestBench({ ...BOTH, published: ['1.36.3', '1.36.4-2.1'] });
    expect((await stage(bench, 'w1', 'worker')).stdout).toContain('kubeadm 1.36.4-2.1');
  });

  it('D14 refuses a key that is not pinned, and warns of one that expires soon', async () => {
    const fingerprint = 'A'.repeat(40);
    const soon = Math.floor(Date.now() / 1000) + 10 * 86_400;
    const releaseKey = `-----BEGIN PGP PUBLIC KEY BLOCK-----\nfingerprint=${fingerprint}\nexpires=${soon}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
    await using bench = await startTestBench({ ...BOTH, releaseKey });
    const refused = await stage(bench, 'w1', 'worker', { keyFingerprints: ['B'.repeat(40)] });
    expect(refused).toMatchObject({ exitCode: 15 });
    expect(refused.stderr).toContain(`has the fingerprint ${fingerprint}, expected is ${'B'.repeat(40)}`);
    const taken = await stage(bench, 'w1', 'worker', { keyFingerprints: ['B'.repeat(40), fingerprint] });
    expect(taken).toMatchObject({ exitCode: 0 });
    expect(taken.stdout).toMatch(/warning: the repository key A+ expires on \d{4}-\d\d-\d\d, in (9|10) days/);
  });

  const keyOf = (...keys: readonly string[]): string =>
    `-----BEGIN PGP PUBLIC KEY BLOCK-----\n${keys.join('\n')}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
  const [ONE, TWO] = ['A'.repeat(40), 'B'.repeat(40)];

  it('D14 trusts the pinned key alone, in both forms, when the repository brings others', async () => {
    await using bench = await startTestBench({
      ...BOTH,
      releaseKey: keyOf(`fingerprint=${TWO}`, `fingerprint=${ONE}`),
    });
    const taken = await stage(bench, 'w1', 'worker', { keyFingerprints: [ONE] });
    expect(taken).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/warning: .* are left out: B{40}/) });
    const { machine } = bench.nodes.node('w1');
    const read = (name: string): string =>
      readFileSync(machine.path(`/var/lib/nightlift/stage/1.36.4/${name}`), 'utf8');
    expect([read('keyring.gpg'), read('keyring.asc')]).toEqual([`binary ${ONE}\n`, `armored ${ONE}\n`]);
    expect(existsSync(machine.path('/var/lib/nightlift/stage/1.36.4/Release.key'))).toBe(false);
  });

  it('D14 goes on with a key that is valid beside one that has expired, and takes none that was revoked', async () => {
    const old = [`fingerprint=${ONE}`, 'expires=1700000000'];
    await using bench = await startTestBench({ ...BOTH, releaseKey: keyOf(...old, `fingerprint=${TWO}`) });
    expect(await stage(bench, 'w1', 'worker', { keyFingerprints: [ONE, TWO] })).toMatchObject({ exitCode: 0 });
    await using expired = await startTestBench({ ...BOTH, releaseKey: keyOf(...old) });
    expect(await stage(expired, 'w1', 'worker')).toMatchObject({
      exitCode: 15,
      stderr: expect.stringContaining(`the repository key ${ONE} expired on 2023-11-14`),
    });
    await using revoked = await startTestBench({ ...BOTH, releaseKey: keyOf(`fingerprint=${ONE}`, 'revoked') });
    expect(await stage(revoked, 'w1', 'worker', { keyFingerprints: [ONE] })).toMatchObject({
      exitCode: 15,
      stderr: expect.stringContaining(`the repository key ${ONE} was revoked`),
    });
  });

  it('D14 looks again at what was fetched under another pin', async () => {
    await using bench = await startTestBench({ ...BOTH, releaseKey: keyOf(`fingerprint=${TWO}`) });
    expect(await stage(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
    expect(await stage(bench, 'w1', 'worker', { keyFingerprints: [ONE] })).toMatchObject({ exitCode: 15 });
  });

  it.each([
    ['a full disk', 28, 'DiskFull', (bench: TestBench) => void (bench.nodes.node('cp1').knobs.freeBytes = 5e8)],
    [
      'a missing image',
      24,
      'ImagePull',
      (bench: TestBench) =>
        void bench.nodes.node('cp1').knobs.missingImages.add('registry.k8s.io/kube-scheduler:v1.36.4'),
    ],
    [
      'a repository that is away',
      15,
      'RepositoryKey',
      (bench: TestBench) => bench.feed.faults.inject({ kind: 'refuse' }),
    ],
    [
      'a key that is a login page',
      15,
      'RepositoryKey',
      (bench: TestBench) => bench.feed.downloadFaults.inject({ kind: 'garbage' }, { path: /Release\.key/ }),
    ],
    [
      'lists that cannot be read',
      17,
      'PackageListRefresh',
      (bench: TestBench) => bench.feed.downloadFaults.inject({ kind: 'status', status: 500 }, { path: /InRelease/ }),
    ],
    [
      'a broken signature',
      17,
      'PackageListRefresh',
      (bench: TestBench) => void (bench.nodes.node('cp1').knobs.brokenSignature = true),
    ],
    ['a version that is not there', 12, 'PackageInstall', (bench: TestBench) => bench.feed.withdraw('1.36.4')],
  ])('tells %s: exit code %i', async (_, code, reason, bend) => {
    await using bench = await startTestBench(BOTH);
    bend(bench);
    const result = await stage(bench, 'cp1', 'first-control-plane');
    expect(result).toMatchObject({ exitCode: code });
    expect(explainFailure('stage', code, result.stderr).reason).toBe(reason);
    expect((await stateOf(bench, 'cp1')).staged).toEqual(code === 24 ? ['1.36.4'] : []);
  });
});

describe('plan and diff', () => {
  it('come from the kubeadm of the target, before it is installed', async () => {
    const extraApiServerFlags = ['--authentication-config=/etc/kubernetes/pki/auth-config.yaml'];
    await using bench = await startTestBench({ ...BOTH, nodes: [{ ...CONTROL_PLANE, extraApiServerFlags }, WORKER] });
    const plan = bench.scripts.plan({ target: '1.36.4', ignorePreflightErrors: [] });
    expect(await run(bench, 'cp1', plan)).toMatchObject({ exitCode: 16 });
    await stage(bench, 'cp1', 'first-control-plane');
    expect(planNamesTarget((await run(bench, 'cp1', plan)).stdout, '1.36.4')).toBe(true);
    const diff = bench.scripts.diff({
      ...thisNode('cp1'),
      target: '1.36.4',
      patchesDirectory: '',
      etcdConfiguration: '',
    });
    expect(parseUpgradeDiff((await run(bench, 'cp1', diff)).stdout, '1.36.4', 'diff')).toEqual({
      changes: [
        {
          component: 'kube-apiserver',
          what: '--authentication-config',
          before: '/etc/kubernetes/pki/auth-config.yaml',
        },
      ],
      patched: new Set(),
      etcdShown: false,
    });
    expect((await stateOf(bench, 'cp1')).packages.get('kubeadm')?.version).toBe('1.36.3');

    await upgrade(bench, 'cp1', 'first-control-plane');
    await stage(bench, 'cp1', 'first-control-plane');
    const after = await run(bench, 'cp1', plan);
    expect(planNamesTarget(after.stdout, '1.36.4')).toBe(false);
    expect(planIsUpToDate(after.stdout, '1.36.4')).toBe(true);
  });
});

describe('list-releases.sh', () => {
  it('lists what the repository has now, of the minor that is asked for', async () => {
    await using bench = await startTestBench(BOTH);
    const script = bench.scripts.listReleases({ ...repository(bench), minor: '1.36' });
    expect((await run(bench, 'cp1', script)).stdout).toContain('kubeadm | 1.36.4-1.1 |');
    bench.feed.publish('1.36.5');
    expect((await run(bench, 'cp1', script)).stdout).toContain('kubelet | 1.36.5-1.1 |');
    expect(readdirSync(bench.nodes.node('cp1').machine.path('/var/lib/nightlift'))).toEqual([]);
  });

  it('D03 never answers from an old list', async () => {
    await using bench = await startTestBench(BOTH);
    const script = bench.scripts.listReleases({ ...repository(bench), minor: '1.36' });
    await run(bench, 'cp1', script);
    bench.feed.faults.inject({ kind: 'status', status: 503 });
    const result = await run(bench, 'cp1', script);
    expect(result).toMatchObject({ exitCode: 17, stdout: '' });
  });
});

describe('the other scripts', () => {
  it('I17 prunes old backups and keeps the others', async () => {
    await using bench = await startTestBench({ nodes: [CONTROL_PLANE], published: [] });
    const { machine } = bench.nodes.node('cp1');
    for (const [name, days] of [
      ['kubeadm-backup-etcd-old', 5],
      ['kubeadm-backup-manifests-new', 1],
      ['other', 9],
    ] as const) {
      mkdirSync(machine.path(`/etc/kubernetes/tmp/${name}`));
      const when = new Date(Date.now() - days * 86_400_000);
      utimesSync(machine.path(`/etc/kubernetes/tmp/${name}`), when, when);
    }
    const result = await run(
      bench,
      'cp1',
      bench.scripts.pruneBackups({ ...thisNode('cp1'), ...WITHOUT_LOCK, days: 3 }),
    );
    expect(result.stdout).toMatch(/^pruned\t\/etc\/kubernetes\/tmp\/kubeadm-backup-etcd-old\t\d+\n$/);
    expect(readdirSync(machine.path('/etc/kubernetes/tmp'))).toEqual(['kubeadm-backup-manifests-new', 'other']);
  });

  it('removes what was fetched for a version that is not taken, and nothing while a command of ours is at work', async () => {
    await using bench = await startTestBench({
      nodes: [CONTROL_PLANE, WORKER],
      published: ['1.36.3-1.1', '1.36.4-1.1'],
    });
    const unstage = () => run(bench, 'w1', bench.scripts.unstage({ ...thisNode('w1'), target: '1.36.4' }));
    expect(await unstage()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await stage(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
    const { machine } = bench.nodes.node('w1');
    const left = machine.path('/var/lib/nightlift/stage/1.36.4');
    const before = readdirSync(left);
    const unit = 'nightlift-upgrade-1-36-4-0badcafe';
    const go = machine.path('/tmp/go');
    const script = { name: 'test', text: `until [ -e ${go} ]; do sleep 0.05; done`, variables: {} };
    const options = { signal: AbortSignal.timeout(20_000), onLine: () => undefined };
    const atWork = bench.shell.runDetached(
      bench.address('w1'),
      { unit, script, fence: WITHOUT_LOCK, timeLimitSeconds: 60 },
      options,
    );
    await until(() => machine.units.get(unit)?.state === 'active');
    expect(await unstage()).toMatchObject({ exitCode: 11, stderr: expect.stringContaining(unit) as string });
    expect(readdirSync(left)).toEqual(before);
    writeFileSync(go, '');
    expect(await atWork).toMatchObject({ exitCode: 0 });
    expect((await unstage()).stdout).toMatch(/^unstaged\t\/var\/lib\/nightlift\/stage\/1\.36\.4\t\d{4,}\n$/);
    expect(before).toEqual(expect.arrayContaining(['archives', 'program', 'staged']));
    expect(readdirSync(left)).not.toEqual(expect.arrayContaining(['archives']));
    expect(await unstage()).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await stage(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
  });

  const wantsContainerd = (version: string) => ({ ...thisNode('cp1'), version, lockTimeoutSeconds: 1 });
  const packageOf = (bench: TestBench, name: string) => bench.nodes.node('cp1').machine.packages.get(name);

  it('D22 raises containerd to the version that is asked for, once it was fetched', async () => {
    const behind = {
      ...CONTROL_PLANE,
      containerd: '1.6.20~ds1-1',
      containerds: { containerd: ['1.7.24~ds1-6', '1.6.20~ds1-1'] },
    };
    await using bench = await startTestBench({ nodes: [behind], published: [] });
    const before = packageOf(bench, 'containerd');
    expect(await run(bench, 'cp1', bench.scripts.stageContainerd(wantsContainerd('1.7.24')))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('nightlift: fetched containerd 1.7.24~ds1-6\n'),
    });
    expect(packageOf(bench, 'containerd')).toEqual(before);
    const raise = (version: string) => run(bench, 'cp1', bench.scripts.raiseContainerd(wantsContainerd(version)));
    expect(await raise('1.7.24')).toMatchObject({ exitCode: 0 });
    expect(bench.cluster.runtimes.get('cp1')).toBe('containerd://1.7.24');
    expect(await run(bench, 'cp1', bench.scripts.stageContainerd(wantsContainerd('1.7.24')))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('containerd is at 1.7.24~ds1-6\n'),
    });
    expect(await raise('2.1.4')).toMatchObject({ exitCode: 40 });
  });

  it.each([
    ['containerd', 'containerd.io', '1.7.24~ds1-6'],
    ['containerd.io', 'containerd', '1.7.24-1'],
  ] as const)('takes %s for no other name of %s', async (mine, other, own) => {
    const spec = {
      ...CONTROL_PLANE,
      containerd: own,
      containerdPackage: mine,
      containerds: { [mine]: [own], [other]: ['1.7.27-1'] },
    };
    await using bench = await startTestBench({ nodes: [spec], published: [] });
    for (const script of [bench.scripts.stageContainerd, bench.scripts.raiseContainerd])
      expect(await run(bench, 'cp1', script(wantsContainerd('1.7.27')))).toMatchObject({
        exitCode: 40,
        stderr: expect.stringContaining(`no source of this node has ${mine} 1.7.27`),
      });
    expect([packageOf(bench, mine)?.version, packageOf(bench, other)]).toEqual([own, undefined]);
  });

  it("runs an operator's script as it is", async () => {
    await using bench = await startTestBench({ nodes: [CONTROL_PLANE], published: [] });
    const text = 'echo "it\'s $((6 * 7))"\ncat\nexit 4\n';
    expect(
      await run(bench, 'cp1', bench.scripts.runScript({ ...thisNode('cp1'), ...WITHOUT_LOCK, text })),
    ).toMatchObject({
      exitCode: 4,
      stdout: "it's 42\n",
    });
  });

  it('never reach a program of the host', async () => {
    await using bench = await startTestBench({ nodes: [CONTROL_PLANE], published: [] });
    const text =
      'for p in python3 perl podman ssh mount useradd apt dpkg-reconfigure; do command -v "$p" && echo FOUND; done; command -v apt-get; exit 0';
    const { stdout } = await run(bench, 'cp1', { name: 'probe', text, variables: {} });
    expect(stdout.trim()).toBe(`${bench.nodes.node('cp1').machine.bin}/apt-get`);
    expect(existsSync('/var/lib/nightlift')).toBe(false);
  });
});
