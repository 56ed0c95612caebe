import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, exampleShell } from '../../../test/support/example-step.ts';
import type { NodeState, PackageState } from '../../node/node-state.ts';
import { nodeDefects, nodeUpgrade, verifyNode } from './node-upgrade.ts';

function packageOf(version: string, more: Partial<PackageState> = {}): PackageState {
  return { package: `${version}-1.1`, version, held: true, installed: true, ...more };
}

function state(more: Partial<NodeState> = {}): NodeState {
  return {
    packages: new Map(['kubeadm', 'kubelet', 'kubectl'].map((name) => [name, packageOf(TARGET)])),
    manifests: new Map([
      ['kube-apiserver', `registry.k8s.io/kube-apiserver:v${TARGET}`],
      ['etcd', 'registry.k8s.io/etcd:3.6.8-0'],
    ]),
    sources: [],
    freeBytes: { root: 1, var: 1, etcd: 1 },
    etcdBytes: 1,
    staged: [],
    kubeadmDone: [],
    sourceChanged: [],
    images: new Map(),
    units: new Map(),
    backups: [],
    kubelet: 'active',
    ...more,
  };
}

describe('nodeDefects', () => {
  it.each([
    ['finds nothing on a node that is as it should be', state(), []],
    [
      'names a package that is behind',
      state({ packages: new Map([...state().packages, ['kubelet', packageOf('1.36.3')]]) }),
      ['package kubelet is 1.36.3-1.1'],
    ],
    [
      'finds nothing on a node whose package lost its hold: it is finished',
      state({ packages: new Map([...state().packages, ['kubeadm', packageOf(TARGET, { held: false })]]) }),
      [],
    ],
    [
      'names a package that dpkg left half-way',
      state({ packages: new Map([...state().packages, ['kubectl', packageOf(TARGET, { installed: false })]]) }),
      ['package kubectl is not installed in full'],
    ],
    [
      'names a manifest with the old image and leaves etcd and digests alone',
      state({
        manifests: new Map([
          ['kube-apiserver', 'registry.k8s.io/kube-apiserver:v1.36.3'],
          ['kube-scheduler', `registry.k8s.io/kube-scheduler:v${TARGET}@sha256:00`],
          ['etcd', 'registry.k8s.io/etcd:3.6.8-0'],
        ]),
      }),
      ['the manifest of kube-apiserver has registry.k8s.io/kube-apiserver:v1.36.3'],
    ],
    [
      'names packages that are not there',
      state({ packages: new Map() }),
      ['kubeadm', 'kubelet', 'kubectl'].map((name) => `package ${name} is not installed in full`),
    ],
    [
      'names an old package once, whether it is on hold or not',
      state({ packages: new Map([...state().packages, ['kubelet', packageOf('1.36.3', { held: false })]]) }),
      ['package kubelet is 1.36.3-1.1'],
    ],
    [
      'names every component with another image, one that only ends like the target among them',
      state({
        manifests: new Map([
          ['kube-controller-manager', `registry.k8s.io/kube-controller-manager:v2${TARGET}`],
          ['kube-scheduler', 'registry.k8s.io/kube-scheduler@sha256:00'],
          ['kube-vip', 'ghcr.io/kube-vip:v1.0.0'],
          ['haproxy', 'haproxy:3'],
        ]),
      }),
      [
        `the manifest of kube-controller-manager has registry.k8s.io/kube-controller-manager:v2${TARGET}`,
        'the manifest of kube-scheduler has registry.k8s.io/kube-scheduler@sha256:00',
      ],
    ],
    ['finds nothing in a worker, which has no manifests', state({ manifests: new Map() }), []],
    ['names a kubelet that does not run', state({ kubelet: 'failed' }), ['the kubelet is failed']],
  ])('%s', (_, node, expected) => {
    expect(nodeDefects(node, TARGET)).toEqual(expected);
  });
});

const ETCD = 'registry.k8s.io/etcd:3.6.8-0';
/** What node-state.sh prints. */
function stateText(version = TARGET, stagedEtcd = ETCD): string {
  const packages = ['kubeadm', 'kubelet', 'kubectl'].map((name) => `package.${name}\t${version}-1.1 hold installed`);
  return [
    ...packages,
    `manifest.etcd\t${ETCD}`,
    `image\t${TARGET} ${stagedEtcd}`,
    'free.root\t1',
    'free.var\t1',
    'kubelet\tactive',
  ].join('\n');
}

const NODES = [controlPlane('cp-1'), controlPlane('cp-2'), worker('worker-1')];
const HASH = { exitCode: 20, tail: 'static Pod hash for component etcd on Node cp-1 did not change after 5m0s' };

function upgrading(answers: Parameters<typeof exampleShell>[0], node = 'cp-1') {
  const shell = exampleShell(answers);
  const settings = { kubeadm: { ignorePreflightErrors: ['Swap'], skipPhases: ['addon/kube-proxy'] } };
  const world = exampleWorld({ nodes: NODES, settings, deps: { shell } });
  const step = { phase: node.startsWith('cp') ? 'master' : 'worker', node } as const;
  const etcd = (): unknown[] =>
    shell.scripts.flatMap(({ name, text }) =>
      name === 'upgrade-node' ? [/^ETCD_UPGRADE=(.*)$/m.exec(text)?.[1]] : [],
    );
  return { shell, world, etcd, run: () => nodeUpgrade.run(contextIn(world, step)) };
}

describe('node-upgrade', () => {
  it('lets nothing pause before its end', () => {
    expect(nodeUpgrade.critical).toBe(true);
  });

  it.each([
    ['cp-1', 5],
    ['worker-1', 0],
  ])('on %s the API server is looked for %i times in five seconds', async (node, looks) => {
    const quick = exampleShell();
    let seen = 0;
    const world = exampleWorld({
      nodes: NODES,
      cluster: {
        async lookForAway() {
          seen += 1;
        },
      },
      deps: {
        shell: {
          ...quick,
          async runDetached(address, command, options) {
            await world.clock.sleep(5500);
            return await quick.runDetached(address, command, options);
          },
        },
      },
    });
    await nodeUpgrade.run(contextIn(world, { phase: node.startsWith('cp') ? 'master' : 'worker', node }));
    expect(seen).toBe(looks);
  });

  it.each([
    ['cp-1', 'first-control-plane', 'master', 'addon/kube-proxy'],
    ['cp-2', 'control-plane', 'master', 'addon/kube-proxy'],
    ['worker-1', 'worker', 'worker', 'addon/kube-proxy'],
  ])('runs once on %s, as a %s, as a command that outlives the Job', async (node, role, phase, phases) => {
    const { shell, etcd, run } = upgrading({}, node);
    await run();
    expect(shell.asked).toEqual([`upgrade-node on ${node} as nightlift-${phase}-1-36-4`]);
    const text = shell.scripts[0]?.text ?? '';
    for (const line of [`TARGET='${TARGET}'`, `ROLE='${role}'`, "IGNORE='Swap'", `SKIP_PHASES='${phases}'`])
      expect(text).toContain(`\n${line}\n`);
    expect(etcd()).toEqual(["'true'"]);
  });

  it('I06 goes on without etcd when kubeadm waited for a restart that its unchanged image never brings', async () => {
    const { shell, world, etcd, run } = upgrading({
      'upgrade-node': [HASH, {}],
      'node-state': { stdout: stateText() },
    });
    await run();
    expect(shell.asked.map((text) => text.split(' ')[0])).toEqual(['upgrade-node', 'node-state', 'upgrade-node']);
    expect(etcd()).toEqual(["'true'", "'false'"]);
    expect(world.seen.log.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it.each([
    ["etcd's image changes", HASH, 'registry.k8s.io/etcd:3.7.0-0', 'upgrade-node,node-state'],
    ['the failure is another one', { exitCode: 20, tail: 'nightlift: failed: kubeadm says no' }, ETCD, 'upgrade-node'],
  ])('I06 fails, and never goes on without etcd, when %s', async (_title, answer, staged, asked) => {
    const { shell, run } = upgrading({ 'upgrade-node': answer, 'node-state': { stdout: stateText(TARGET, staged) } });
    expect(await errorOf(run())).toMatchObject({
      kind: 'node',
      message: expect.stringMatching(/^upgrading to 1\.36\.4 on cp-1: upgrade-node\.sh ended with exit code 20: /),
    });
    expect(shell.asked.map((text) => text.split(' ')[0]).join()).toBe(asked);
  });

  it('is done when all but the holds is done', async () => {
    const { run } = upgrading({ 'upgrade-node': { exitCode: 13, tail: 'nightlift: failed: … are not on hold' } });
    expect(await errorOf(run())).toBeUndefined();
  });

  it('says with what it failed the second time, without etcd', async () => {
    const { run } = upgrading({
      'upgrade-node': [HASH, { exitCode: 26, tail: 'nightlift: failed: the kubelet does not start' }],
      'node-state': { stdout: stateText() },
    });
    expect(await errorOf(run())).toMatchObject({
      message:
        'upgrading to 1.36.4 without etcd on cp-1: upgrade-node.sh ended with exit code 26: the kubelet does not start',
    });
  });
});

describe('verify-node', () => {
  function verifying(node: string, states: readonly string[], configs: readonly string[] = [TARGET]) {
    const shell = exampleShell({ 'node-state': states.map((stdout) => ({ stdout })) });
    let asked = 0;
    const world = exampleWorld({
      nodes: NODES,
      deps: { shell },
      cluster: {
        kubeadmConfigVersion: async () => {
          asked += 1;
          return configs[Math.min(asked, configs.length) - 1] ?? '';
        },
      },
    });
    const step = { phase: node.startsWith('cp') ? 'master' : 'worker', node } as const;
    return { world, run: () => verifyNode.run(contextIn(world, step)), configAsked: () => asked };
  }

  it('reads the state of the node, and what kubeadm has written of the cluster on a control plane', async () => {
    const control = verifying('cp-1', [stateText()]);
    await control.run();
    expect(control.configAsked()).toBe(1);
    const worker1 = verifying('worker-1', [stateText()], ['1.36.3']);
    await worker1.run();
    expect(worker1.configAsked()).toBe(0);
  });

  it('lets a finished node that lost its holds pass, and says so with what to do', async () => {
    const { world, run } = verifying('worker-1', [stateText().replaceAll(' hold ', ' install ')]);
    await run();
    expect(world.passed()).toBe(0);
    expect(world.seen.messages.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /worker-1 is on 1\.36\.4, but kubeadm, kubelet, kubectl are not on hold[^]*apt-mark hold kubeadm kubelet kubectl/,
      ),
    ]);
  });

  it('waits for what is written a moment later', async () => {
    const { world, run } = verifying('cp-1', [stateText('1.36.3'), stateText()], ['1.36.3', '1.36.3', TARGET]);
    await run();
    expect(world.passed()).toBe(10);
  });

  it('fails after a minute with all that is not as it should be', async () => {
    const { world, run } = verifying('cp-1', [`${stateText().replace('kubeadm\t', 'other\t')}`], ['1.36.3']);
    expect(await errorOf(run())).toMatchObject({
      kind: 'timeout',
      message:
        'waiting 60 s for cp-1 to be as it should be: package kubeadm is not installed in full, ConfigMap kube-system/kubeadm-config says 1.36.3',
    });
    expect(world.passed()).toBe(60);
  });

  it('fails with what the node says when its state cannot be read', async () => {
    const shell = exampleShell({ 'node-state': { exitCode: 1, stderr: 'nightlift: failed: no dpkg' } });
    const world = exampleWorld({ nodes: NODES, deps: { shell } });
    expect(await errorOf(verifyNode.run(contextIn(world)))).toMatchObject({
      message: 'reading the state on worker-1: node-state.sh ended with exit code 1: no dpkg',
    });
  });
});
