import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSurvey } from '../../node/parse-survey.ts';
import { startTestBench } from './test-bench.ts';
import { BOTH, run, thisNode } from './test-steps.ts';

const KILOBYTE = 1024;

describe('survey.sh', () => {
  it('tells of a control plane what it is, its etcd too, in a few kilobytes', async () => {
    await using bench = await startTestBench(BOTH);
    const before = new Date();
    const { exitCode, stdout, stderr } = await run(bench, 'cp1', bench.scripts.survey(thisNode('cp1')));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout.length).toBeLessThan(20 * KILOBYTE);
    expect(parseSurvey(stdout, { before, after: new Date() })).toMatchObject({
      os: { id: 'debian', version: '12' },
      hardware: { virtualisation: 'kvm', product: 'Virtual Machine', cpus: 2, memoryBytes: 8 * KILOBYTE ** 3 },
      cgroup: 'v2',
      clockOffsetSeconds: 0,
      missingTools: [],
      staticPods: [
        { pod: 'etcd', images: ['registry.k8s.io/etcd:3.6.8-0'] },
        { pod: 'kube-apiserver', containers: ['kube-apiserver'] },
        { pod: 'kube-controller-manager' },
        { pod: 'kube-scheduler' },
      ],
      certificates: [
        {
          file: '/var/lib/kubelet/pki/kubelet-client-current.pem',
          startsAt: expect.stringMatching(/Z$/) as string,
          endsAt: expect.stringMatching(/Z$/) as string,
        },
      ],
      etcd: {
        where: 'here',
        state: {
          known: true,
          value: {
            version: '3.6.8',
            dataDirectory: '/var/lib/etcd',
            directoryBytes: expect.any(Number) as number,
            members: [{ name: 'cp1' }],
            alarms: [],
          },
        },
      },
    });
  });

  it('tells of a certificate that cannot be read, and of a program of apt that is not there', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('w1');
    rmSync(machine.path('/usr/lib/apt/apt-helper'));
    mkdirSync(machine.path('/etc/kubernetes/pki'), { recursive: true });
    writeFileSync(machine.path('/etc/kubernetes/pki/ca.crt'), '-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n');
    const { stdout } = await run(bench, 'w1', bench.scripts.survey(thisNode('w1')));
    const { certificates, missingTools } = parseSurvey(stdout, undefined);
    expect(certificates).toContainEqual({ file: '/etc/kubernetes/pki/ca.crt', startsAt: null, endsAt: null });
    expect(missingTools).toEqual(['apt-helper']);
  });

  it('tells of a worker that it has no etcd and nothing of ours', async () => {
    await using bench = await startTestBench(BOTH);
    const { stdout } = await run(bench, 'w1', bench.scripts.survey(thisNode('w1')));
    expect(parseSurvey(stdout, undefined)).toMatchObject({
      clockOffsetSeconds: null,
      staticPods: [],
      etcd: { where: 'none', state: null },
      leftovers: { staged: [], units: [], sourceChanged: [] },
      packages: [
        { name: 'kubeadm', version: '1.36.3-1.1', held: true, installed: true },
        { name: 'kubelet', held: true },
        { name: 'kubectl', held: true },
        { name: 'containerd', held: false },
      ],
    });
  });
});
