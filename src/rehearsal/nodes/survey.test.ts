import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import { parseSurvey } from '../../node/parse-survey.ts';
import { observeSurveys } from '../../observe/surveys.ts';
import { replaceProgram } from './bin-directory.ts';
import type { Machine } from './machine.ts';
import { scriptTemplate, startTestBench } from './test-bench.ts';
import { BOTH, run, thisNode } from './test-steps.ts';

const KILOBYTE = 1024;
const YEAR_SECONDS = 31_536_000;

/** As a file system of a server that is gone: whoever reads there waits. */
function hang(machine: Machine): void {
  const file = machine.path('/etc/os-release');
  rmSync(file);
  execFileSync('mkfifo', [file]);
}

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

  it.each([
    ['does not come to an end', (machine: Machine) => hang(machine), /w1.*(time|124)/],
    [
      'says ten megabytes',
      (machine: Machine) =>
        writeFileSync(
          machine.path('/etc/apt/sources.list'),
          `deb http://deb.example/${'x'.repeat(70)} stable main\n`.repeat(100_000),
        ),
      /w1.*it has \d{6,} characters/,
    ],
    [
      'has a clock that is years off',
      (machine: Machine) => {
        // It is a link to the program of this machine, which must not be written through.
        rmSync(`${machine.bin}/date`, { force: true });
        replaceProgram(machine, 'date', '#!/bin/sh\necho 946684800\n');
      },
      undefined,
    ],
  ])('%s on one node: that one is named, the others are known, and nobody waits longer', async (_, spoil, why) => {
    const nodes = ['w1', 'w2'].map((name) => ({ name, role: 'worker', version: '1.36.3' }) as const);
    await using bench = await startTestBench({ nodes, published: [], timeLimitSeconds: 3 });
    spoil(bench.nodes.node('w1').machine);
    const world = exampleWorld({
      nodes: nodes.map(({ name }) => exampleNode(name, { internalIp: bench.address(name).internalIp, machineId: '' })),
      deps: { shell: bench.shell, templates: { node: scriptTemplate, job: () => '' } },
    });
    const began = performance.now();
    const { w1, w2 } = await observeSurveys(world.deps, world.nodes, AbortSignal.timeout(20_000));
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(w2?.known).toBe(true);
    if (why === undefined) {
      const offset = w1?.known === true ? w1.value.clockOffsetSeconds : null;
      expect(offset).toBeLessThan(-20 * YEAR_SECONDS);
    } else expect(w1).toMatchObject({ known: false, why: expect.stringMatching(why) as string });
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
