import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  apiServerProblems,
  etcdProblems,
  parseControlPlaneHealth,
} from '../../steps/control-plane/control-plane-health.ts';
import { ETCD_POD } from './etcd-process.ts';
import { startTestBench, type TestBench } from './test-bench.ts';
import { CONTROL_PLANE, run } from './test-steps.ts';

const THREE = { nodes: ['cp1', 'cp2', 'cp3'].map((name) => ({ ...CONTROL_PLANE, name })), published: [] };
const OTHERS = [
  { node: 'cp2', address: '192.0.2.12:6443' },
  { node: 'cp3', address: '192.0.2.13:6443' },
];

async function ask(bench: TestBench, timeLimitSeconds = 60) {
  const script = bench.scripts.controlPlaneHealth({ apiServers: OTHERS, timeLimitSeconds });
  return await run(bench, 'cp1', script);
}

function problems({ stdout, stderr }: { stdout: string; stderr: string }): readonly string[] {
  const { etcd, apiServers } = parseControlPlaneHealth(stdout, stderr);
  const found = [...(etcd === null ? [] : etcdProblems(etcd, [])), ...apiServerProblems(OTHERS, apiServers)];
  return found.map(({ message }) => message);
}

function change(bench: TestBench, name: string, fields: { etcd?: boolean; apiServer?: boolean }): void {
  const port = bench.cluster.ports.get(name);
  if (port !== undefined) bench.cluster.ports.set(name, { ...port, ...fields });
}

describe('control-plane-health.sh', () => {
  it('asks all of etcd with its own program and certificates, and each API server, in one script', async () => {
    await using bench = await startTestBench(THREE);
    const result = await ask(bench);
    expect(result).toMatchObject({ exitCode: 0 });
    expect(problems(result)).toEqual([]);
    const { records } = bench.nodes.commands;
    expect(records.map(({ argv }) => argv[0])).toEqual(['etcdctl', 'etcdctl', 'etcdctl', 'curl', 'curl']);
    expect(records[0]?.argv.join(' ')).toMatch(
      /--cacert \S+\/etcd\/ca\.crt --cert \S+ --key \S+ .*member list -w json$/,
    );
    expect(bench.nodes.sshRequests()).toBe(1);
  });

  it.each(['127.0.0.1', 'localhost', '[::1]'])(
    'asks etcd over the loopback address that its manifest has, wherever it stands in the list: %s',
    async (host) => {
      await using bench = await startTestBench(THREE);
      const manifest = bench.nodes.node('cp1').machine.path('/etc/kubernetes/manifests/etcd.yaml');
      const urls = `--listen-client-urls=https://[fd00::11]:2379,https://${host}:2379`;
      writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/--listen-client-urls=\S+/, urls));
      expect(await ask(bench)).toMatchObject({ exitCode: 0 });
      const asked = bench.nodes.commands.matching(/member list/).map(({ argv }) => argv.join(' '));
      expect(asked).toEqual([expect.stringContaining(`--endpoints https://${host}:2379 `)]);
    },
  );

  it('tells a member and an API server that are down by their names', async () => {
    await using bench = await startTestBench(THREE);
    change(bench, 'cp2', { etcd: false });
    change(bench, 'cp3', { apiServer: false });
    expect(problems(await ask(bench))).toEqual([
      'etcd member cp2 does not answer',
      'the API server of cp3 does not answer at 192.0.2.13:6443',
    ]);
  });

  it('does not go on asking an etcd without a quorum, and asks the API servers all the same', async () => {
    await using bench = await startTestBench(THREE);
    for (const name of ['cp2', 'cp3']) change(bench, name, { etcd: false });
    const result = await ask(bench);
    expect(() => problems(result)).toThrow(/"member list": Error: context deadline exceeded/);
    expect(bench.nodes.commands.matching(/^etcdctl/)).toHaveLength(1);
    expect(bench.nodes.commands.matching(/^curl/)).toHaveLength(2);
  });

  it('says that etcd is external, and asks the API servers', async () => {
    await using bench = await startTestBench(THREE);
    rmSync(bench.nodes.node('cp1').machine.path('/etc/kubernetes/manifests/etcd.yaml'));
    const result = await ask(bench);
    expect(parseControlPlaneHealth(result.stdout, '')).toEqual({
      etcd: null,
      apiServers: new Map([
        ['cp2', 200],
        ['cp3', 200],
      ]),
    });
    expect(bench.nodes.commands.matching(/^etcdctl/)).toEqual([]);
  });

  it('fails with what to do when etcd does not run although there is its manifest', async () => {
    await using bench = await startTestBench(THREE);
    rmSync(bench.nodes.node('cp1').machine.path('/proc/512'), { recursive: true });
    const result = await ask(bench);
    expect(result).toMatchObject({ exitCode: 61, stderr: expect.stringMatching(/crictl ps --name etcd/) });
  });

  it('does not need etcdutl', async () => {
    await using bench = await startTestBench(THREE);
    rmSync(bench.nodes.node('cp1').machine.path('/proc/512/root/usr/local/bin/etcdutl'));
    expect(problems(await ask(bench))).toEqual([]);
  });

  it('ends an etcdctl that hangs', async () => {
    await using bench = await startTestBench(THREE);
    bench.nodes.commands.fail({ match: /^etcdctl .*member list/, waitMs: 30_000, exitCode: 1 });
    const result = await ask(bench, 1);
    expect(() => problems(result)).toThrow(/"member list": it did not answer/);
  });

  const UUID = '6f1c2a04_5f3e_4c0b_9d7e_0123456789ab';
  const SLICE = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod';
  it.each([
    ['a pod of the API server', `0::${SLICE}${UUID}.slice/cri-containerd-11.scope\n`],
    ['such a pod on cgroup v1', `1:name=systemd:/kubepods/burstable/pod${UUID.replaceAll('_', '-')}/11\n`],
    ['a cgroup below it with the name of ours', `0::${SLICE}${UUID}.slice/cri-containerd-11.scope/pod${ETCD_POD}/1\n`],
    ['the name of our pod elsewhere', `0::/system.slice/x.service/etcd-${ETCD_POD}\n`],
    ['two pods at once', `2:cpu:/kubepods/pod${ETCD_POD}/11\n1:pids:/kubepods/pod${UUID}/11\n`],
    ['another static pod', `0::${SLICE}${'0'.repeat(32)}.slice/cri-containerd-11.scope\n`],
    ['no cgroup that can be read', undefined],
  ])('never runs a program of a process that calls itself etcd: %s', async (_title, cgroup) => {
    await using bench = await startTestBench(THREE);
    const { machine } = bench.nodes.node('cp1');
    const programs = machine.path('/proc/10007/root/usr/local/bin');
    const proof = machine.path('/tmp/impostor-ran');
    mkdirSync(programs, { recursive: true });
    writeFileSync(machine.path('/proc/10007/comm'), 'etcd\n');
    writeFileSync(machine.path('/proc/10007/cmdline'), 'etcd\0--data-dir=/var/lib/etcd\0');
    if (cgroup !== undefined) writeFileSync(machine.path('/proc/10007/cgroup'), cgroup);
    writeFileSync(`${programs}/etcdctl`, `#!/bin/sh\n: >${proof}\n`);
    chmodSync(`${programs}/etcdctl`, 0o755);

    expect(problems(await ask(bench))).toEqual([]);
    rmSync(machine.path('/proc/512'), { recursive: true });
    expect(await ask(bench)).toMatchObject({ exitCode: 61, stderr: expect.stringMatching(/static pod/) });
    expect(existsSync(proof)).toBe(false);
  });

  it.each([
    ['cgroupfs', `9:memory:/kubepods/burstable/pod${ETCD_POD}/11\n0::/\n`],
    [
      'a kubelet below a root of its own',
      `0::/a.slice/kubelet-kubepods-pod${ETCD_POD}.slice/crio-11.scope/container\n`,
    ],
  ])('knows the static pod by its cgroup: %s', async (_title, cgroup) => {
    await using bench = await startTestBench(THREE);
    writeFileSync(bench.nodes.node('cp1').machine.path('/proc/512/cgroup'), cgroup);
    expect(problems(await ask(bench))).toEqual([]);
  });
});
