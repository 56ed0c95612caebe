import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainFailure } from '../../node/explain-failure.ts';
import { WITHOUT_LOCK } from '../../node/fence.ts';
import { createCertificateAuthority } from '../api/certificate.ts';
import { machineIdOf } from './machine.ts';
import { startTestBench, type TestBench } from './test-bench.ts';
import { BOTH, run, stage } from './test-steps.ts';

const CERTIFICATE = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const CONF = '/etc/kubernetes/kubelet.conf';

describe('this-node.sh', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await startTestBench(BOTH);
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const ask = async (on: string, node: string, machineId = '') => {
    const { exitCode, stderr } = await run(bench, on, bench.scripts.thisNode({ node, machineId }));
    return exitCode === 0 ? 'proven' : explainFailure('this-node', exitCode ?? 0, stderr).reason;
  };
  const issue = (commonName: string): string =>
    createCertificateAuthority('kubernetes').issue({ commonName }).certificatePem;

  /** Leaves the files of w1 as they were. */
  async function having(files: Readonly<Record<string, string>>, look: () => Promise<void>): Promise<void> {
    const { machine } = bench.nodes.node('w1');
    const before = Object.keys(files).map((file) => [file, readFileSync(machine.path(file))] as const);
    for (const [file, text] of Object.entries(files)) writeFileSync(machine.path(file), text);
    await look();
    for (const [file, text] of before) writeFileSync(machine.path(file), text);
  }

  it('proves the node by the name in the client certificate of its kubelet', async () => {
    expect(await ask('w1', 'w1')).toBe('proven');
    expect(await ask('cp1', 'cp1')).toBe('proven');
    expect(await ask('w1', 'w1', machineIdOf('w1'))).toBe('proven');
  });

  it.each(['cp1', 'w', 'w11', 'system:node:w1', ''])('D16 says that the machine of w1 is not %j', async (node) => {
    expect(await ask('w1', node)).toBe('AnotherNode');
  });

  it('says that a machine with another machine-id is not the one that reports', async () => {
    expect(await ask('w1', 'w1', machineIdOf('cp1'))).toBe('AnotherNode');
  });

  it('takes a name of any length, and the certificate that kubeadm writes into kubelet.conf', async () => {
    for (const name of ['n', 'a'.repeat(63), `${'b'.repeat(60)}.${'c'.repeat(60)}.d`]) {
      await having({ [CERTIFICATE]: issue(`system:node:${name}`) }, async () => {
        expect(await ask('w1', name)).toBe('proven');
        expect(await ask('w1', 'w1')).toBe('AnotherNode');
      });
      const data = Buffer.from(issue(`system:node:${name}`)).toString('base64');
      await having({ [CONF]: `users:\n- user:\n    client-certificate-data: ${data}\n` }, async () => {
        expect(await ask('w1', name)).toBe('proven');
      });
    }
  });

  it.each([
    ['no certificate is named', { [CONF]: 'kind: Config\n' }],
    ['the certificate is of no node', { [CERTIFICATE]: issue('kubernetes-admin') }],
    ['the certificate is none', { [CERTIFICATE]: 'hello\n' }],
    ['the certificate is empty', { [CERTIFICATE]: '' }],
    ['the file that is named is not there', { [CONF]: 'users:\n- user:\n    client-certificate: /var/lib/none.pem\n' }],
  ])('proves nothing when %s', async (_, files) => {
    await having(files, async () => {
      expect(await ask('w1', 'w1')).toBe('NodeNotProven');
    });
  });

  it('keeps a script that changes something from another machine', async () => {
    const other = bench.nodes.node('cp1').machine;
    rmSync(other.path('/var/lib/nightlift/stage'), { recursive: true, force: true });
    const script = bench.scripts.pruneBackups({ node: 'w1', machineId: '', ...WITHOUT_LOCK, days: 3 });
    expect(await run(bench, 'cp1', script)).toMatchObject({ exitCode: 25, stdout: '' });
    expect(await stage(bench, 'cp1', 'worker', { as: 'w1' })).toMatchObject({ exitCode: 25 });
    expect(bench.nodes.commands.matching(/^apt/, 'cp1')).toEqual([]);
  });
});
