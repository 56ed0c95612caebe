import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../node/explain-failure.ts';
import { manifestOf } from './static-pod-manifest.ts';
import { startTestBench } from './test-bench.ts';
import { BOTH, CONTROL_PLANE, leftOvers, stage, stateOf, until, upgrade } from './test-steps.ts';

describe('a node', () => {
  it('is upgraded by the real scripts over real SSH, control plane first, then the worker', async () => {
    await using bench = await startTestBench(BOTH);
    for (const [node, role] of [
      ['cp1', 'first-control-plane'],
      ['w1', 'worker'],
    ] as const) {
      expect(await stage(bench, node, role)).toMatchObject({ exitCode: 0 });
      const lines: string[] = [];
      expect(await upgrade(bench, node, role, { lines })).toMatchObject({ exitCode: 0, attached: false });
      expect(lines.at(-1)).toBe('nightlift: this node is on 1.36.4');

      const state = await stateOf(bench, node);
      for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
        expect(state.packages.get(name)).toEqual({
          package: '1.36.4-1.1',
          version: '1.36.4',
          held: true,
          installed: true,
        });
      }
      expect(state).toMatchObject({ kubelet: 'active', kubeadmDone: ['1.36.4'], sourceChanged: [], staged: [] });
      expect(bench.cluster.kubelets.get(node)).toBe('1.36.4');
      expect(leftOvers(bench, node)).toEqual([]);
    }
    expect((await stateOf(bench, 'cp1')).manifests.get('kube-apiserver')).toBe(
      'registry.k8s.io/kube-apiserver:v1.36.4',
    );
    expect(bench.cluster.pods.get('kube-apiserver-cp1')?.image).toBe('registry.k8s.io/kube-apiserver:v1.36.4');
    expect(await bench.cluster.kubeadmConfigVersion()).toBe('1.36.4');
    expect([...bench.cluster.addons]).toEqual([['kube-proxy', 'registry.k8s.io/kube-proxy:v1.36.4']]);
    expect(bench.nodes.commands.matching(/^kubeadm upgrade apply/)).toHaveLength(1);
    expect(bench.nodes.commands.matching(/^kubeadm upgrade node/, 'w1')).toHaveLength(1);
  });

  it('gets the patches that it was made with, and no flag where it has none', async () => {
    await using bench = await startTestBench(BOTH);
    const patchesDirectory = '/etc/kubernetes/patches';
    mkdirSync(bench.nodes.node('w1').machine.path(patchesDirectory), { recursive: true });
    const lines: string[] = [];
    for (const [node, role] of [
      ['cp1', 'first-control-plane'],
      ['w1', 'worker'],
    ] as const) {
      expect(await stage(bench, node, role)).toMatchObject({ exitCode: 0 });
      expect(await upgrade(bench, node, role, { patchesDirectory, lines })).toMatchObject({ exitCode: 0 });
    }
    const given = bench.nodes.commands
      .matching(/^kubeadm upgrade (apply|node)/)
      .map(({ node, argv }) => [node, argv.filter((word) => word.startsWith('--patches'))]);
    expect(given).toEqual([
      ['cp1', []],
      ['w1', ['--patches=/etc/kubernetes/patches']],
    ]);
    expect(lines).toContain('nightlift: there is no /etc/kubernetes/patches on this node: kubeadm gets no patches');
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
    const second = await upgrade(bench, 'cp1', 'first-control-plane');
    expect(second, second.tail).toMatchObject({ exitCode: 0 });
    expect((await stateOf(bench, 'cp1')).packages.get('kubelet')?.version).toBe('1.36.4');
  });

  it('comes out right when the command is killed at any step, and kubeadm runs once after it has succeeded', async () => {
    await using bench = await startTestBench(BOTH);
    await stage(bench, 'cp1', 'first-control-plane');
    const moments = [
      /^apt-mark unhold kubeadm/,
      /^apt-get .*kubeadm=/,
      /^kubeadm upgrade apply/,
      /^apt-get .*kubelet=/,
      /^systemctl restart kubelet/,
    ];
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

  it('comes out right when kubeadm is killed between its two renames', async () => {
    await using bench = await startTestBench({ ...BOTH, timing: { kubeadmStep: 2000 } });
    await stage(bench, 'cp1', 'first-control-plane');
    const { machine } = bench.nodes.node('cp1');
    const attempt = upgrade(bench, 'cp1', 'first-control-plane');
    await until(() => !existsSync(machine.path('/etc/kubernetes/manifests/kube-apiserver.yaml')));
    machine.units.get('nightlift-upgrade')?.kill('SIGKILL');
    expect(await attempt).toMatchObject({ exitCode: 137 });
    expect((await stateOf(bench, 'cp1')).manifests.has('kube-apiserver')).toBe(false);

    const lines: string[] = [];
    expect(await upgrade(bench, 'cp1', 'first-control-plane', { lines })).toMatchObject({ exitCode: 0 });
    expect(lines.join('\n')).toContain(
      'nightlift: putting the manifest of kube-apiserver back from /etc/kubernetes/tmp/',
    );
    const state = await stateOf(bench, 'cp1');
    expect(state.manifests.get('kube-apiserver')).toBe('registry.k8s.io/kube-apiserver:v1.36.4');
    expect(state.packages.get('kubelet')?.version).toBe('1.36.4');
  });

  it('goes to the next minor, etcd with it', async () => {
    await using bench = await startTestBench({ ...BOTH, published: ['1.36.3', '1.37.1'] });
    await stage(bench, 'cp1', 'first-control-plane', { target: '1.37.1' });
    expect(await upgrade(bench, 'cp1', 'first-control-plane', { target: '1.37.1' })).toMatchObject({ exitCode: 0 });
    const state = await stateOf(bench, 'cp1');
    expect(state.manifests.get('etcd')).toBe('registry.k8s.io/etcd:3.7.0-0');
    expect(bench.cluster.pods.get('etcd-cp1')?.image).toBe('registry.k8s.io/etcd:3.7.0-0');
    expect(state.sources.join('\n')).toContain('/v1.37/deb/');
  });

  it('gets a manifest back that a killed kubeadm has lost', async () => {
    await using bench = await startTestBench({
      nodes: [{ ...CONTROL_PLANE }, { ...CONTROL_PLANE, name: 'cp2' }],
      published: ['1.36.4'],
    });
    await bench.cluster.writeKubeadmConfigVersion('1.36.4');
    const { machine } = bench.nodes.node('cp2');
    const manifest = machine.path('/etc/kubernetes/manifests/kube-apiserver.yaml');
    await stage(bench, 'cp2', 'control-plane');
    bench.nodes.commands.fail({ match: /^kubeadm upgrade node/, exitCode: 1, times: 1 });
    expect(await upgrade(bench, 'cp2', 'control-plane')).toMatchObject({ exitCode: 20 });
    rmSync(manifest);
    expect(await upgrade(bench, 'cp2', 'control-plane')).toMatchObject({ exitCode: 21 });
    const copies = machine.path('/etc/kubernetes/tmp/kubeadm-backup-manifests-2026-11-21-01-00-00');
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
    expect(again.filter((line) => /^(apt-get|kubeadm upgrade|systemctl restart|dpkg --configure)/.test(line))).toEqual(
      [],
    );
  });

  it('says so when the kubelet does not come up', async () => {
    await using bench = await startTestBench(BOTH);
    await bench.cluster.writeKubeadmConfigVersion('1.36.4');
    await stage(bench, 'w1', 'worker');
    bench.nodes.commands.fail({
      match: /^systemctl restart kubelet/,
      exitCode: 1,
      stderr: 'Job for kubelet.service failed.\n',
    });
    const result = await upgrade(bench, 'w1', 'worker');
    expect(explainFailure('upgrade-node', result.exitCode, result.tail).reason).toBe('KubeletNotActive');
  });

  it('finishes what an interrupted dpkg has left', async () => {
    await using bench = await startTestBench(BOTH);
    await bench.cluster.writeKubeadmConfigVersion('1.36.4');
    await stage(bench, 'w1', 'worker');
    bench.nodes
      .node('w1')
      .machine.packages.set('kubectl', { version: '1.36.3-1.1', held: true, status: 'half-configured' });
    expect(await upgrade(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
  });
});
