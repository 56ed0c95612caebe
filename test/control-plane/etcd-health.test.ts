import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeScripts } from '../../src/node/scripts.ts';
import { ETCD_POD } from '../../src/rehearsal/nodes/etcd-process.ts';
import { etcdProblems, parseControlPlaneHealth } from '../../src/steps/control-plane/control-plane-health.ts';
import { createEtcdMembers, type EtcdMembers } from './etcd-members.ts';
import { kubePrograms } from './kube-programs.ts';

const TEMPLATES = resolve(import.meta.dirname, '../../templates/node');
const THREE = ['cp1', 'cp2', 'cp3'];
const programs = await kubePrograms();

/** cp1 as the script sees a control plane: a manifest, certificates, and the process with its image's programs. */
function layOutNode(etcd: EtcdMembers): string {
  const root = mkdtempSync(join(tmpdir(), 'nightlift-node-'));
  const bin = join(root, 'proc/512/root/usr/local/bin');
  for (const directory of [bin, join(root, 'tmp'), join(root, 'etc/kubernetes/manifests')])
    mkdirSync(directory, { recursive: true });
  symlinkSync(join(etcd.programs, 'etcd'), join(bin, 'etcdctl'));
  writeFileSync(join(root, 'proc/512/comm'), 'etcd\n');
  writeFileSync(join(root, 'proc/512/cgroup'), `0::/kubepods/burstable/pod${ETCD_POD}/0a\n`);
  mkdirSync(join(root, 'var/lib/kubelet/pods', ETCD_POD, 'containers/etcd'), { recursive: true });
  writeFileSync(join(root, 'proc/512/cmdline'), readFileSync(`/proc/${etcd.pidOf('cp1')}/cmdline`));
  mkdirSync(join(root, 'etc/kubernetes/pki'));
  symlinkSync(etcd.directory, join(root, 'etc/kubernetes/pki/etcd'));
  const pki = '/etc/kubernetes/pki/etcd';
  const flags = [
    `--advertise-client-urls=https://${etcd.addressOf('cp1')}:2379`,
    `--cert-file=${pki}/server.crt`,
    `--data-dir=${join(etcd.directory, 'cp1')}`,
    `--key-file=${pki}/server.key`,
    `--listen-client-urls=https://${etcd.addressOf('cp1')}:2379`,
    `--trusted-ca-file=${pki}/ca.crt`,
  ];
  writeFileSync(join(root, 'etc/kubernetes/manifests/etcd.yaml'), flags.map((flag) => `    - ${flag}\n`).join(''));
  return root;
}

describe.skipIf('missing' in programs)(
  'control-plane-health.sh at a real etcd of three members',
  { timeout: 60_000 },
  () => {
    let etcd: EtcdMembers;
    let root = '';
    beforeAll(async () => {
      if ('missing' in programs) return;
      const bin = mkdtempSync(join(tmpdir(), 'nightlift-bin-'));
      for (const name of ['etcd', 'etcdctl']) symlinkSync(join(programs.directory, 'etcd'), join(bin, name));
      etcd = createEtcdMembers(bin, '127.77.1');
      for (const name of THREE) etcd.start(name, THREE);
      await etcd.untilHealthy(3);
      root = layOutNode(etcd);
    }, 60_000);
    afterAll(async () => {
      await etcd[Symbol.asyncDispose]();
      for (const directory of [root, etcd.programs]) if (existsSync(directory)) rmSync(directory, { recursive: true });
    });

    const problems = (): readonly string[] => {
      const script = nodeScripts((name) => readFileSync(join(TEMPLATES, `${name}.sh`), 'utf8')).controlPlaneHealth({
        apiServers: [],
        timeLimitSeconds: 30,
      });
      const env = { PATH: process.env['PATH'], NIGHTLIFT_ROOT: root };
      const { stdout, stderr, status } = spawnSync('bash', ['-s'], { input: script.text, encoding: 'utf8', env });
      expect([status, stderr]).toEqual([0, expect.any(String)]);
      const health = parseControlPlaneHealth(stdout, stderr);
      return health.etcd === null ? ['external'] : etcdProblems(health.etcd, []).map(({ message }) => message);
    };

    it('D21 finds nothing wrong when all is well', () => {
      expect(problems()).toEqual([]);
    });

    it('D21 tells a member that is down by its name and its cause, and that it is back', async () => {
      await etcd.stop('cp3');
      const found = problems();
      expect(found.join()).toMatch(/^etcd member cp3 does not answer: .*connection refused$/);
      etcd.start('cp3', THREE);
      await etcd.untilHealthy(3);
      expect(problems()).toEqual([]);
    });

    it('D21 has no answer from an etcd without a quorum', async () => {
      await Promise.all(['cp2', 'cp3'].map((name) => etcd.stop(name)));
      expect(() => problems()).toThrow(/"member list"/);
    });
  },
);
