import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../node/explain-failure.ts';
import { droppedFlags, planIsUpToDate, planNamesTarget } from '../../node/kubeadm-output.ts';
import type { CommandResult, DetachedResult, NodeShell } from '../../node/node-shell.ts';
import { type NodeState, parseNodeState } from '../../node/node-state.ts';
import type { NodeScript, UpgradeRole } from '../../node/scripts.ts';
import type { NodeSpec } from './start-nodes.ts';
import { startTestBench, type TestBench } from './test-bench.ts';

const CONTROL_PLANE: NodeSpec = { name: 'cp1', role: 'control-plane', version: '1.36.3' };
const WORKER: NodeSpec = { name: 'w1', role: 'worker', version: '1.36.3' };
const BOTH = { nodes: [CONTROL_PLANE, WORKER], published: ['1.36.3', '1.36.4'] };

function repository(bench: TestBench) {
  return { repoBase: bench.feed.baseUrl, lockTimeoutSeconds: 1 };
}

function run(bench: TestBench, node: string, script: NodeScript): Promise<CommandResult> {
  return bench.shell.run(bench.address(node), script, AbortSignal.timeout(25_000));
}

function stage(bench: TestBench, node: string, role: UpgradeRole, more: { target?: string; keyFingerprints?: string[] } = {}) {
  const { target = '1.36.4', keyFingerprints = [] } = more;
  return run(bench, node, bench.scripts.stage({ ...repository(bench), target, role, keyFingerprints, keyWarnDays: 45, neededBytes: 1e9 }));
}

function upgradeScript(bench: TestBench, role: UpgradeRole, target = '1.36.4'): NodeScript {
  const kubeadm = { ignorePreflightErrors: ['CoreDNSMigration'], skipPhases: ['addon/coredns'], etcdUpgrade: true };
  return bench.scripts.upgradeNode({ ...repository(bench), target, role, ...kubeadm });
}

function upgrade(
  bench: TestBench,
  node: string,
  role: UpgradeRole,
  more: { target?: string; shell?: NodeShell; lines?: string[]; timeLimitSeconds?: number } = {},
): Promise<DetachedResult> {
  return (more.shell ?? bench.shell).runDetached(
    bench.address(node),
    { unit: 'nightlift-upgrade', script: upgradeScript(bench, role, more.target), timeLimitSeconds: more.timeLimitSeconds ?? 60 },
    { signal: AbortSignal.timeout(25_000), onLine: (line) => more.lines?.push(line) },
  );
}

async function stateOf(bench: TestBench, node: string): Promise<NodeState> {
  return parseNodeState((await run(bench, node, bench.scripts.nodeState())).stdout);
}

function leftOvers(bench: TestBench, node: string): readonly string[] {
  const { machine } = bench.nodes.node(node);
  return readdirSync(machine.path('/var/lib/nightlift/units')).filter((name) => name !== '.lock');
}

async function until(condition: () => boolean): Promise<void> {
  for (let left = 500; left > 0 && !condition(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(condition()).toBe(true);
}

describe('a node', () => {
  it('is upgraded by the real scripts over real SSH, control plane first, then the worker', async () => {
    await using bench = await startTestBench(BOTH);
    for (const [node, role] of [['cp1', 'first-control-plane'], ['w1', 'worker']] as const) {
      expect(await stage(bench, node, role)).toMatchObject({ exitCode: 0 });
      const lines: string[] = [];
      expect(await upgrade(bench, node, role, { lines })).toMatchObject({ exitCode: 0, attached: false });
      expect(lines.at(-1)).toBe('nightlift: this node is on 1.36.4');

      const state = await stateOf(bench, node);
      for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
        expect(state.packages.get(name)).toEqual({ package: '1.36.4-1.1', version: '1.36.4', held: true, installed: true });
      }
      expect(state).toMatchObject({ kubelet: 'active', kubeadmDone: ['1.36.4'], sourceChanged: [], staged: [] });
      expect(bench.cluster.kubelets.get(node)).toBe('1.36.4');
      expect(leftOvers(bench, node)).toEqual([]);
    }
    expect((await stateOf(bench, 'cp1')).manifests.get('kube-apiserver')).toBe('registry.k8s.io/kube-apiserver:v1.36.4');
    expect(bench.cluster.pods.get('kube-apiserver-cp1')?.image).toBe('registry.k8s.io/kube-apiserver:v1.36.4');
    expect(await bench.cluster.kubeadmConfigVersion()).toBe('1.36.4');
    expect([...bench.cluster.addons]).toEqual([['kube-proxy', 'registry.k8s.io/kube-proxy:v1.36.4']]);
    expect(bench.nodes.commands.matching(/^kubeadm upgrade apply/)).toHaveLength(1);
    expect(bench.nodes.commands.matching(/^kubeadm upgrade node/, 'w1')).toHaveLength(1);
  });

  it('D13 gets the source and key of the next minor only in its own upgrade', async () => {
    await using bench = await startTestBench({ ...BOTH, published: ['1.36.3', '1.37.1'] });
    const source = bench.nodes.node('w1').machine.path('/etc/apt/sources.list.d/kubernetes.list');
    await bench.cluster.writeKubeadmConfigVersion('1.37.1');
    expect(await stage(bench, 'w1', 'worker', { target: '1.37.1' })).toMatchObject({ exitCode: 0 });
    expect(readFileSync(source, 'utf8')).toContain('/v1.36/deb/');
    expect(await upgrade(bench, 'w1', 'worker', { target: '1.37.1' })).toMatchObject({ exitCode: 0 });
    expect(readFileSync(source, 'utf8')).toContain('/v1.37/deb/');
    expect((await stateOf(bench, 'w1')).packages.get('kubelet')?.version).toBe('1.37.1');
  });

  it('D13 keeps its old source when the upgrade fails before a package has moved', async () => {
    await using bench = await startTestBench({ ...BOTH, published: ['1.36.3', '1.37.1'] });
    const { machine } = bench.nodes.node('w1');
    const source = machine.path('/etc/apt/sources.list.d/kubernetes.list');
    const keyring = machine.path('/etc/apt/keyrings/kubernetes-apt-keyring.gpg');
    const before = [readFileSync(source, 'utf8'), readFileSync(keyring, 'utf8')];
    await stage(bench, 'w1', 'worker', { target: '1.37.1' });
    machine.knobs.aptLockUntil = Date.now() + 60_000;
    const result = await upgrade(bench, 'w1', 'worker', { target: '1.37.1' });
    expect(result.exitCode).toBe(11);
    expect(explainFailure('upgrade-node', 11, result.tail).reason).toBe('PackageLockHeld');
    expect([readFileSync(source, 'utf8'), readFileSync(keyring, 'utf8')]).toEqual(before);
    expect((await stateOf(bench, 'w1')).packages.get('kubeadm')).toMatchObject({ version: '1.36.3', held: true });
  });

  it('keeps its kubelet when kubeadm fails, and its packages on hold', async () => {
    await using bench = await startTestBench(BOTH);
    await stage(bench, 'cp1', 'first-control-plane');
    bench.nodes.node('cp1').knobs.stuckHashes.add('etcd');
    const result = await upgrade(bench, 'cp1', 'first-control-plane');
    expect(result.exitCode).toBe(20);
    expect(explainFailure('upgrade-node', 20, result.tail).reason).toBe('EtcdHashUnchanged');
    const state = await stateOf(bench, 'cp1');
    expect(state.packages.get('kubelet')).toMatchObject({ version: '1.36.3', held: true });
    expect(state.packages.get('kubeadm')).toMatchObject({ version: '1.36.4', held: true });
    expect(bench.nodes.commands.matching(/^systemctl restart kubelet/)).toEqual([]);

    bench.nodes.node('cp1').knobs.stuckHashes.clear();
    expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    expect((await stateOf(bench, 'cp1')).packages.get('kubelet')?.version).toBe('1.36.4');
  });

  it('comes out right when the command is killed at any step, and kubeadm runs once after it has succeeded', async () => {
    await using bench = await startTestBench(BOTH);
    await stage(bench, 'cp1', 'first-control-plane');
    const moments = [/^apt-mark unhold kubeadm/, /^apt-get .*kubeadm=/, /^kubeadm upgrade apply/, /^apt-get .*kubelet=/, /^systemctl restart kubelet/];
    for (const moment of moments) {
      bench.nodes.commands.fail({ match: moment, waitMs: 60_000, times: 1 });
      const seen = bench.nodes.commands.matching(moment).length;
      const attempt = upgrade(bench, 'cp1', 'first-control-plane');
      await until(() => bench.nodes.commands.matching(moment).length > seen);
      bench.nodes.node('cp1').machine.units.get('nightlift-upgrade')?.kill('SIGKILL');
      expect(await attempt).toMatchObject({ exitCode: 137 });
      expect((await attempt).tail).toContain('the command was killed: signal KILL');
    }
    expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0, attached: false });
    const applied = bench.nodes.commands.matching(/^kubeadm upgrade apply/);
    expect(applied.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1);
    expect(applied.at(-1)?.exitCode).toBe(0);
    expect((await stateOf(bench, 'cp1')).packages.get('kubelet')).toMatchObject({ version: '1.36.4', held: true });
  });

  it('gets a manifest back that a killed kubeadm has lost', async () => {
    await using bench = await startTestBench({ nodes: [{ ...CONTROL_PLANE }, { ...CONTROL_PLANE, name: 'cp2' }], published: ['1.36.4'] });
    await bench.cluster.writeKubeadmConfigVersion('1.36.4');
    const { machine } = bench.nodes.node('cp2');
    const manifest = machine.path('/etc/kubernetes/manifests/kube-apiserver.yaml');
    await stage(bench, 'cp2', 'control-plane');
    bench.nodes.commands.fail({ match: /^kubeadm upgrade node/, exitCode: 1, times: 1 });
    expect(await upgrade(bench, 'cp2', 'control-plane')).toMatchObject({ exitCode: 20 });
    rmSync(manifest);
    expect(await upgrade(bench, 'cp2', 'control-plane')).toMatchObject({ exitCode: 21 });
    const copies = machine.path('/etc/kubernetes/tmp/kubeadm-backup-manifests-2026-11-21-01-00-00');
    const { manifestOf } = await import('./static-pod-manifest.ts');
    const { mkdirSync } = await import('node:fs');
    mkdirSync(copies);
    writeFileSync(`${copies}/kube-apiserver.yaml`, manifestOf('kube-apiserver', '1.36.3', machine.internalIp));
    expect(await upgrade(bench, 'cp2', 'control-plane')).toMatchObject({ exitCode: 0 });
    expect(readFileSync(manifest, 'utf8')).toContain('kube-apiserver:v1.36.4');
  });

  it('is not touched again by a second run', async () => {
    await using bench = await startTestBench(BOTH);
    await bench.cluster.writeKubeadmConfigVersion('1.36.4');
    await stage(bench, 'w1', 'worker');
    await upgrade(bench, 'w1', 'worker');
    const before = bench.nodes.commands.records.length;
    expect(await upgrade(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0, attached: false });
    const again = bench.nodes.commands.records.slice(before).map(({ argv }) => argv.join(' '));
    expect(again.filter((line) => /^(apt-get|kubeadm upgrade|systemctl restart|dpkg --configure)/.test(line))).toEqual([]);
  });

  it('says so when the kubelet does not come up', async () => {
    await using bench = await startTestBench(BOTH);
    await bench.cluster.writeKubeadmConfigVersion('1.36.4');
    await stage(bench, 'w1', 'worker');
    bench.nodes.commands.fail({ match: /^systemctl restart kubelet/, exitCode: 1, stderr: 'Job for kubelet.service failed.\n' });
    const result = await upgrade(bench, 'w1', 'worker');
    expect(explainFailure('upgrade-node', result.exitCode, result.tail).reason).toBe('KubeletNotActive');
  });

  it('finishes what an interrupted dpkg has left', async () => {
    await using bench = await startTestBench(BOTH);
    await bench.cluster.writeKubeadmConfigVersion('1.36.4');
    await stage(bench, 'w1', 'worker');
    bench.nodes.node('w1').machine.packages.set('kubectl', { version: '1.36.3-1.1', held: true, status: 'half-configured' });
    expect(await upgrade(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
  });
});

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

  it.each([
    ['a full disk', 28, 'DiskFull', (bench: TestBench) => void (bench.nodes.node('cp1').knobs.freeBytes = 5e8)],
    ['a missing image', 24, 'ImagePull', (bench: TestBench) => void bench.nodes.node('cp1').knobs.missingImages.add('registry.k8s.io/kube-scheduler:v1.36.4')],
    ['a repository that is away', 15, 'RepositoryKey', (bench: TestBench) => bench.feed.faults.inject({ kind: 'refuse' })],
    ['a key that is a login page', 15, 'RepositoryKey', (bench: TestBench) => bench.feed.downloadFaults.inject({ kind: 'garbage' }, { path: /Release\.key/ })],
    ['lists that cannot be read', 17, 'PackageListRefresh', (bench: TestBench) => bench.feed.downloadFaults.inject({ kind: 'status', status: 500 }, { path: /InRelease/ })],
    ['a broken signature', 17, 'PackageListRefresh', (bench: TestBench) => void (bench.nodes.node('cp1').knobs.brokenSignature = true)],
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
    expect(droppedFlags((await run(bench, 'cp1', bench.scripts.diff({ target: '1.36.4' }))).stdout)).toEqual([
      { component: 'kube-apiserver', flag: '--authentication-config=/etc/kubernetes/pki/auth-config.yaml' },
    ]);
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
    const { mkdirSync, utimesSync } = await import('node:fs');
    for (const [name, days] of [['kubeadm-backup-etcd-old', 5], ['kubeadm-backup-manifests-new', 1], ['other', 9]] as const) {
      mkdirSync(machine.path(`/etc/kubernetes/tmp/${name}`));
      const when = new Date(Date.now() - days * 86_400_000);
      utimesSync(machine.path(`/etc/kubernetes/tmp/${name}`), when, when);
    }
    const result = await run(bench, 'cp1', bench.scripts.pruneBackups({ days: 3 }));
    expect(result.stdout).toMatch(/^pruned\t\/etc\/kubernetes\/tmp\/kubeadm-backup-etcd-old\t\d+\n$/);
    expect(readdirSync(machine.path('/etc/kubernetes/tmp'))).toEqual(['kubeadm-backup-manifests-new', 'other']);
  });

  it('D22 raises containerd to the version that is asked for', async () => {
    const behind = { ...CONTROL_PLANE, containerd: '1.6.20~ds1-1', containerdCandidates: ['1.7.24~ds1-6', '1.6.20~ds1-1'] };
    await using bench = await startTestBench({ nodes: [behind], published: [] });
    const raise = (version: string) => run(bench, 'cp1', bench.scripts.raiseContainerd({ version, lockTimeoutSeconds: 1 }));
    expect(await raise('1.7.24')).toMatchObject({ exitCode: 0 });
    expect(bench.cluster.runtimes.get('cp1')).toBe('containerd://1.7.24');
    expect(await raise('2.1.4')).toMatchObject({ exitCode: 40 });
  });

  it("runs an operator's script as it is", async () => {
    await using bench = await startTestBench({ nodes: [CONTROL_PLANE], published: [] });
    const text = 'echo "it\'s $((6 * 7))"\ncat\nexit 4\n';
    expect(await run(bench, 'cp1', bench.scripts.runScript({ text }))).toMatchObject({ exitCode: 4, stdout: "it's 42\n" });
  });

  it('never reach a program of the host', async () => {
    await using bench = await startTestBench({ nodes: [CONTROL_PLANE], published: [] });
    const text = 'for p in python3 perl podman ssh mount useradd apt dpkg-reconfigure; do command -v "$p" && echo FOUND; done; command -v apt-get; exit 0';
    const { stdout } = await run(bench, 'cp1', { name: 'probe', text });
    expect(stdout.trim()).toBe(`${bench.nodes.node('cp1').machine.bin}/apt-get`);
    expect(existsSync('/var/lib/nightlift')).toBe(false);
  });
});
