import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

  it('tells each flag of the kubelet once, in whatever file it reads it, with a value that is a word of its own', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('w1');
    const put = (file: string, text: string): void => {
      mkdirSync(machine.path(file.slice(0, file.lastIndexOf('/'))), { recursive: true });
      writeFileSync(machine.path(file), text);
    };
    rmSync(machine.path('/usr/lib/systemd'), { recursive: true, force: true });
    put('/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf', '[Service]\nEnvironment="A=--config=/x.yaml"\n');
    // As merged-/usr has it.
    rmSync(machine.path('/lib'), { recursive: true, force: true });
    symlinkSync('usr/lib', machine.path('/lib'));
    put(
      '/etc/systemd/system/kubelet.service.d/20-vendor.conf',
      '[Service]\nEnvironmentFile=-/etc/kubelet-vendor.env\nExecStart=/usr/bin/kubelet $A --seccomp-default $VENDOR --v \\\n  2\n',
    );
    put('/etc/kubelet-vendor.env', 'VENDOR="--feature-gates Foo=true,Bar=false --node_labels=a=b"\n');
    const { stdout } = await run(bench, 'w1', bench.scripts.survey(thisNode('w1')));
    const { kubelet } = parseSurvey(stdout, undefined);
    expect(kubelet.flags.map(({ file, flag }) => `${file} ${flag}`)).toEqual([
      '/etc/systemd/system/kubelet.service.d/20-vendor.conf --seccomp-default',
      '/etc/systemd/system/kubelet.service.d/20-vendor.conf --v',
      '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf --config=/x.yaml',
      '/etc/kubelet-vendor.env --feature-gates=Foo=true,Bar=false',
      '/etc/kubelet-vendor.env --node_labels=a=b',
    ]);
    expect(kubelet.featureGates).toEqual({ Foo: true, Bar: false });
  });
});
