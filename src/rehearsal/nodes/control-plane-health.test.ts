import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  apiServerProblems,
  etcdProblems,
  parseControlPlaneHealth,
} from '../../steps/control-plane/control-plane-health.ts';
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
});
