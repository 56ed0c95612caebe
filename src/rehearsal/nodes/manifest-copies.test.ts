import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { etcdConfigurationOf } from '../../facts/etcd-configuration.ts';
import { manifestChanges, sayChange } from '../../node/manifest-change.ts';
import { parseManifestCopies } from '../../node/manifest-copies.ts';
import { parseUpgradeDiff } from '../../node/upgrade-diff.ts';
import type { Machine } from './machine.ts';
import { startTestBench, type TestBench } from './test-bench.ts';
import { BOTH, run, stage, thisNode, until, upgrade } from './test-steps.ts';

const MANIFESTS = '/etc/kubernetes/manifests';

/** As an operator edits it: one more flag of the component. */
function addFlag(machine: Machine, component: string, flag: string): void {
  const file = machine.path(`${MANIFESTS}/${component}.yaml`);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(`    - ${component}\n`, `    - ${component}\n    - ${flag}\n`),
  );
}

async function copiesOf(bench: TestBench) {
  const answer = await run(bench, 'cp1', bench.scripts.manifestCopies({ target: '1.36.4' }));
  expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
  return parseManifestCopies(answer.stdout);
}

async function lost(bench: TestBench): Promise<readonly string[]> {
  const { before, now } = await copiesOf(bench);
  return [...now].flatMap(([component, text]) => {
    const old = before.get(component);
    return old === undefined ? [`${component}: no copy`] : manifestChanges(component, old, text).map(sayChange);
  });
}

const ETCD_CONFIGURATION = etcdConfigurationOf(
  { apiVersion: 'kubeadm.k8s.io/v1beta4', kind: 'ClusterConfiguration' },
  '1.36.4',
);

const diffScript = (bench: TestBench, patchesDirectory = '', etcdConfiguration = ETCD_CONFIGURATION) =>
  bench.scripts.diff({ ...thisNode('cp1'), target: '1.36.4', patchesDirectory, etcdConfiguration });

describe('diff.sh', () => {
  it('shows the whole of each manifest and the patches of the node, and keeps its answer for root alone', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('cp1');
    mkdirSync(machine.path('/etc/kubernetes/patches'));
    writeFileSync(machine.path('/etc/kubernetes/patches/kube-scheduler+json.yaml'), '');
    addFlag(machine, 'kube-scheduler', '--profiling=false');
    await stage(bench, 'cp1', 'first-control-plane');
    const { stdout } = await run(bench, 'cp1', diffScript(bench, '/etc/kubernetes/patches'));
    const { changes, patched } = parseUpgradeDiff(stdout, '1.36.4', 'diff');
    expect([changes.map(sayChange), [...patched]]).toEqual([
      ['kube-scheduler --profiling: "false" → gone'],
      ['kube-scheduler'],
    ]);
    expect((await copiesOf(bench)).promised).toBe(stdout);
    expect(statSync(machine.path('/var/lib/nightlift/stage/1.36.4/diff')).mode & 0o777).toBe(0o600);
    const without = await run(bench, 'cp1', diffScript(bench, '/etc/kubernetes/none'));
    expect(parseUpgradeDiff(without.stdout, '1.36.4', 'diff').patched).toEqual(new Set());
  });

  it('I18 shows what goes from the manifest of etcd, and says it in words of kubeadm where that is not known', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('cp1');
    addFlag(machine, 'etcd', '--quota-backend-bytes=8589934592');
    await stage(bench, 'cp1', 'first-control-plane');
    const answer = async (etcdConfiguration?: string) =>
      parseUpgradeDiff((await run(bench, 'cp1', diffScript(bench, '', etcdConfiguration))).stdout, '1.36.4', 'diff');
    const gone = await answer();
    expect(gone.changes.map(sayChange)).toEqual(['etcd --quota-backend-bytes: "8589934592" → gone']);
    expect((await copiesOf(bench)).promised).toContain('nightlift-etcd\t');
    bench.nodes.commands.fail({
      match: /init phase etcd local/,
      exitCode: 1,
      stderr: 'error: no such API\n',
      times: 1,
    });
    expect(await answer()).toMatchObject({ changes: [], etcdUnknown: 'exit code 1: error: no such API' });
    expect(await answer('')).toEqual({ changes: [], patched: new Set(), etcdShown: false });
    expect(existsSync(machine.path('/var/lib/nightlift/stage/1.36.4/etcd-diff'))).toBe(false);
  });

  it('keeps nothing of a kubeadm that fails', async () => {
    await using bench = await startTestBench(BOTH);
    await stage(bench, 'cp1', 'first-control-plane');
    bench.nodes.commands.fail({ match: /^kubeadm.* upgrade diff/, exitCode: 1, stderr: 'error: no\n', times: 1 });
    expect(await run(bench, 'cp1', diffScript(bench))).toMatchObject({ exitCode: 1, stdout: '' });
    expect((await copiesOf(bench)).promised).toBeUndefined();
  });
});

describe('the manifests of before', () => {
  it('are kept, so that everything that kubeadm has taken away can be named, of etcd too', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('cp1');
    addFlag(machine, 'kube-apiserver', '--anonymous-auth=false');
    addFlag(machine, 'etcd', '--quota-backend-bytes=8589934592');
    appendFileSync(machine.path(`${MANIFESTS}/kube-scheduler.yaml`), '# by hand\n');
    await stage(bench, 'cp1', 'first-control-plane');
    expect((await copiesOf(bench)).before.size).toBe(0);
    expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    const expected = [
      'etcd --quota-backend-bytes: "8589934592" → gone',
      'kube-apiserver --anonymous-auth: "false" → gone',
    ];
    expect(await lost(bench)).toEqual(expected);
    // Whoever comes again finds the same.
    expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    expect(await lost(bench)).toEqual(expected);
  });

  it.each(['kube-apiserver', 'kube-controller-manager'])(
    'stay what they were when kubeadm is killed while it writes %s',
    async (component) => {
      await using bench = await startTestBench({ ...BOTH, timing: { kubeadmStep: 2000 } });
      const { machine } = bench.nodes.node('cp1');
      addFlag(machine, 'kube-apiserver', '--anonymous-auth=false');
      addFlag(machine, 'etcd', '--quota-backend-bytes=8589934592');
      await stage(bench, 'cp1', 'first-control-plane');
      const attempt = upgrade(bench, 'cp1', 'first-control-plane');
      await until(() => !existsSync(machine.path(`${MANIFESTS}/${component}.yaml`)));
      machine.units.get('nightlift-upgrade')?.kill('SIGKILL');
      expect(await attempt).toMatchObject({ exitCode: 137 });
      expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
      expect(await lost(bench)).toEqual([
        'etcd --quota-backend-bytes: "8589934592" → gone',
        'kube-apiserver --anonymous-auth: "false" → gone',
      ]);
    },
    30_000,
  );

  it('are those of the last try that changed nothing: an operator may have edited them in between', async () => {
    await using bench = await startTestBench(BOTH);
    const { knobs, machine } = bench.nodes.node('cp1');
    await stage(bench, 'cp1', 'first-control-plane');
    knobs.missingImages.add('registry.k8s.io/kube-scheduler:v1.36.4');
    machine.images.delete('registry.k8s.io/kube-scheduler:v1.36.4');
    expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 20 });
    knobs.missingImages.clear();
    addFlag(machine, 'kube-apiserver', '--anonymous-auth=false');
    expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    expect(await lost(bench)).toEqual(['kube-apiserver --anonymous-auth: "false" → gone']);
  });

  it('go with what another target has left behind', async () => {
    await using bench = await startTestBench({ ...BOTH, published: ['1.36.3', '1.36.4', '1.36.5'] });
    await stage(bench, 'cp1', 'first-control-plane');
    await run(bench, 'cp1', diffScript(bench));
    expect(await upgrade(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    await stage(bench, 'cp1', 'first-control-plane', { target: '1.36.5' });
    expect(await copiesOf(bench)).toMatchObject({ before: new Map(), promised: undefined });
  });
});
