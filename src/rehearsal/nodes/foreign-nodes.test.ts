import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Machine } from './machine.ts';
import { startTestBench } from './test-bench.ts';
import { BOTH, run, stage, stateOf, upgrade } from './test-steps.ts';

const KEYRING = '/etc/apt/keyrings/kubernetes-apt-keyring.gpg';
const OWN = '/etc/apt/keyrings/nightlift-kubernetes.gpg';
const LIST = '/etc/apt/sources.list.d/kubernetes.list';

function put(machine: Machine, file: string, text: string): void {
  mkdirSync(dirname(machine.path(file)), { recursive: true });
  writeFileSync(machine.path(file), text);
}

const read = (machine: Machine, file: string): string => readFileSync(machine.path(file), 'utf8');

describe('the keyrings of a node', () => {
  interface Layout {
    readonly title: string;
    /** Files by path; `BASE` stands for the repository. */
    readonly files: Readonly<Record<string, string>>;
    /** Files that stay as they are. */
    readonly stay: readonly string[];
    /** Where the key of the repository is written; undefined: into the keyring that is there. */
    readonly own: boolean;
    /** What the source says afterwards. */
    readonly says: RegExp;
  }
  const DEBIAN = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const THIRD = '/usr/share/keyrings/third-party.gpg';
  const layouts: readonly Layout[] = [
    {
      title: 'another stanza of the same file has its own',
      files: {
        [DEBIAN]: 'keys of the distribution\n',
        [KEYRING]: 'key of v1.36\n',
        '/etc/apt/sources.list.d/all.sources': `Types: deb\nURIs: http://deb.example/debian\nSuites: stable\nComponents: main\nSigned-By: ${DEBIAN}\n\n# ours\nTypes: deb\nURIs: BASE/v1.36/deb/\nSuites: /\nSigned-By: ${KEYRING}\n`,
      },
      stay: [DEBIAN],
      own: false,
      says: new RegExp(`Signed-By: ${DEBIAN}\n\n[^]*Signed-By: ${KEYRING}\n$`),
    },
    {
      title: 'another line of the same file is signed by it',
      files: {
        [THIRD]: 'key of another\nkey of Kubernetes\n',
        '/etc/apt/sources.list.d/third.list': `deb [signed-by=${THIRD}] http://other.example/debian bookworm stable\ndeb [arch=amd64 signed-by=${THIRD}] BASE/v1.36/deb/ /\n`,
      },
      stay: [THIRD],
      own: true,
      says: new RegExp(
        `^deb \\[signed-by=${THIRD}\\] http://other.*\ndeb \\[arch=amd64 signed-by=${OWN}\\] \\S+/v1.36/deb/ /\n$`,
      ),
    },
    {
      title: 'a stanza of another file is signed by it',
      files: {
        [THIRD]: 'keys\n',
        '/etc/apt/sources.list.d/other.sources': `Types: deb\nURIs: http://other.example/\nSuites: x\nSigned-By: ${THIRD}\n`,
        '/etc/apt/sources.list.d/k8s.sources': `Types: deb\nURIs: BASE/v1.36/deb/\nSuites: /\nSigned-By: ${THIRD}\n`,
      },
      stay: [THIRD, '/etc/apt/sources.list.d/other.sources'],
      own: true,
      says: new RegExp(`^Types: deb\nURIs: \\S+\nSuites: /\nSigned-By: ${OWN}\n$`),
    },
    {
      title: 'a package has brought it',
      files: {
        [DEBIAN]: 'keys of the distribution\n',
        '/var/lib/dpkg/info/debian-archive-keyring.list': `/.\n${DEBIAN}\n`,
        [LIST]: `deb [signed-by=${DEBIAN}] BASE/v1.36/deb/ /\n`,
      },
      stay: [DEBIAN],
      own: true,
      says: new RegExp(`^deb \\[signed-by=${OWN}\\] `),
    },
    {
      title: 'every source uses it',
      files: {
        '/etc/apt/trusted.gpg.d/all.gpg': 'keys\n',
        [LIST]: 'deb [signed-by=/etc/apt/trusted.gpg.d/all.gpg] BASE/v1.36/deb/ /\n',
      },
      stay: ['/etc/apt/trusted.gpg.d/all.gpg'],
      own: true,
      says: new RegExp(`^deb \\[signed-by=${OWN}\\] `),
    },
    {
      title: 'a source that uses it too is switched off',
      files: {
        [KEYRING]: 'key of v1.36\n',
        '/etc/apt/sources.list.d/off.sources': `Enabled: no\nTypes: deb\nURIs: http://other.example/\nSuites: x\nSigned-By: ${KEYRING}\n`,
        [LIST]: `deb [signed-by=${KEYRING}] BASE/v1.36/deb/ /\n`,
      },
      stay: ['/etc/apt/sources.list.d/off.sources'],
      own: false,
      says: new RegExp(`^deb \\[signed-by=${KEYRING}\\] `),
    },
  ];

  it.each(layouts)(
    'are left alone when they are not for Kubernetes alone: $title',
    async ({ files, stay, own, says }) => {
      await using bench = await startTestBench(BOTH);
      const { machine } = bench.nodes.node('w1');
      for (const file of [LIST, KEYRING]) rmSync(machine.path(file));
      for (const [file, text] of Object.entries(files)) put(machine, file, text.replaceAll('BASE', bench.feed.baseUrl));
      const before = stay.map((file) => read(machine, file));
      expect(await stage(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
      const lines: string[] = [];
      expect(await upgrade(bench, 'w1', 'worker', { lines }), lines.join('\n')).toMatchObject({ exitCode: 0 });
      expect(stay.map((file) => read(machine, file))).toEqual(before);
      expect(existsSync(machine.path(OWN))).toBe(own);
      expect(lines.some((line) => line.includes('is not for Kubernetes alone'))).toBe(own);
      const source = Object.keys(files).find((file) => files[file]?.includes('BASE')) ?? '';
      expect(read(machine, source)).toMatch(says);
      // A second run finds it as it is, and what was replaced can still be looked at.
      expect(await upgrade(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
      expect(stay.map((file) => read(machine, file))).toEqual(before);
      expect(existsSync(machine.path('/var/lib/nightlift/stage/1.36.4/replaced'))).toBe(true);
    },
  );

  it('says that the only source of Kubernetes is switched off', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('cp1');
    rmSync(machine.path(LIST));
    put(
      machine,
      '/etc/apt/sources.list.d/k8s.sources',
      `Types: deb\nURIs: ${bench.feed.baseUrl}/v1.36/deb/\nSuites: /\nEnabled: no\n`,
    );
    const script = bench.scripts.listReleases({ repoBase: bench.feed.baseUrl, lockTimeoutSeconds: 1, minor: '1.36' });
    expect(await run(bench, 'cp1', script)).toMatchObject({
      exitCode: 10,
      stderr: expect.stringMatching(/no apt source/),
    });
  });
});

describe("a node's own layout", () => {
  it.each(['https://[::1]:2379', 'https://localhost:2379', 'http://127.0.0.1:12379'])(
    'gets the manifest of its own etcd back, wherever that listens: %s',
    async (servers) => {
      await using bench = await startTestBench(BOTH);
      const { machine } = bench.nodes.node('cp1');
      const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml';
      put(machine, manifest, read(machine, manifest).replace(/--etcd-servers=\S+/, `--etcd-servers=${servers}`));
      await stage(bench, 'cp1', 'first-control-plane');
      const backup = '/etc/kubernetes/tmp/kubeadm-backup-manifests-2026-11-27-01-00-00/etcd.yaml';
      mkdirSync(dirname(machine.path(backup)), { recursive: true });
      renameSync(machine.path('/etc/kubernetes/manifests/etcd.yaml'), machine.path(backup));
      const lines: string[] = [];
      await upgrade(bench, 'cp1', 'first-control-plane', { lines });
      expect(lines.join('\n')).toContain('putting the manifest of etcd back from /etc/kubernetes/tmp');
    },
  );

  it('does not bring an old etcd back to life beside an external one', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('cp1');
    const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml';
    put(
      machine,
      manifest,
      read(machine, manifest).replace(/--etcd-servers=\S+/, '--etcd-servers=https://10.0.0.9:2379'),
    );
    await stage(bench, 'cp1', 'first-control-plane');
    put(machine, '/etc/kubernetes/tmp/kubeadm-backup-manifests-2026-11-27-01-00-00/etcd.yaml', 'old');
    rmSync(machine.path('/etc/kubernetes/manifests/etcd.yaml'));
    await upgrade(bench, 'cp1', 'first-control-plane');
    expect(existsSync(machine.path('/etc/kubernetes/manifests/etcd.yaml'))).toBe(false);
  });

  it("looks for the room of etcd's copy where its manifest says that the data are", async () => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('cp1');
    const manifest = '/etc/kubernetes/manifests/etcd.yaml';
    put(machine, manifest, read(machine, manifest).replaceAll('/var/lib/etcd', '/data/etcd'));
    mkdirSync(machine.path('/data'));
    renameSync(machine.path('/var/lib/etcd'), machine.path('/data/etcd'));
    put(machine, '/data/etcd/member/wal/big', 'x'.repeat(3_000_000));
    bench.nodes.node('cp1').knobs.freeBytes = 1e9 + 1_000_000;
    expect(await stage(bench, 'cp1', 'first-control-plane')).toMatchObject({
      exitCode: 28,
      stderr: expect.stringMatching(/kubeadm copies the 3 MB of etcd there/),
    });
    expect(await stateOf(bench, 'cp1')).toMatchObject({ etcdBytes: expect.any(Number) });
  });

  it.each([
    '/etc/default/kubelet',
    '/etc/sysconfig/kubelet',
    '/etc/systemd/system/kubelet.service.d/20-extra.conf',
    '/usr/lib/systemd/system/kubelet.service.d/20-extra.conf',
    '/run/systemd/system/kubelet.service',
    // kubeadm 1.35 takes it out of this one, and no other kubeadm does.
    '/var/lib/kubelet/kubeadm-flags.env',
  ])('finds a flag with which the new kubelet does not start before anything is drained: %s', async (file) => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('w1');
    put(machine, file, '# --pod-infra-container-image was here\nKUBELET_EXTRA_ARGS=\n');
    expect(await stage(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
    put(machine, file, 'KUBELET_EXTRA_ARGS=--pod-infra-container-image=mirror.test/pause:3.9\n');
    expect(await stage(bench, 'w1', 'worker')).toMatchObject({
      exitCode: 32,
      stderr: expect.stringContaining(`${file} has --pod-infra-container-image`),
    });
  });

  it.each([
    [
      '/var/lib/kubelet/kubeadm-flags.env',
      'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/crio/crio.sock --x=y"\n',
    ],
    [
      '/var/lib/kubelet/config.yaml',
      'kind: KubeletConfiguration\ncontainerRuntimeEndpoint: "unix:///run/crio/crio.sock"\n',
    ],
    ['/var/lib/kubelet/instance-config.yaml', 'containerRuntimeEndpoint: unix:///run/crio/crio.sock\n'],
  ])("pulls the images through the kubelet's own socket, which %s names", async (file, text) => {
    await using bench = await startTestBench(BOTH);
    const { machine } = bench.nodes.node('cp1');
    put(machine, file, text);
    expect(await stage(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    const config = machine.path('/var/lib/nightlift/stage/1.36.4/images.yaml');
    const pulls = bench.nodes.commands.matching(/^kubeadm.* config images pull/).map(({ argv }) => argv.join(' '));
    expect(pulls).toEqual([expect.stringMatching(new RegExp(` --config ${config}$`))]);
    expect(readFileSync(config, 'utf8')).toContain(
      "kind: InitConfiguration\nnodeRegistration:\n  criSocket: 'unix:///run/crio/crio.sock'\n---\n",
    );
  });

  it("takes the images from where the cluster's own configuration has them, whatever the manifests name", async () => {
    await using bench = await startTestBench(BOTH);
    const { knobs, machine } = bench.nodes.node('cp1');
    const apiServer = '/etc/kubernetes/manifests/kube-apiserver.yaml';
    put(
      machine,
      apiServer,
      readFileSync(machine.path(apiServer), 'utf8').replace('registry.k8s.io/', 'edited.test/x/'),
    );
    // The mirror of the control plane has no CoreDNS, and nobody asks it for one.
    knobs.missingImages.add('mirror.test/k8s/coredns:v1.14.2').add('mirror.test/k8s/etcd:3.6.8-0');
    const images = {
      imageRepository: 'mirror.test/k8s',
      dnsRepository: 'mirror.test/dns',
      dnsTag: 'v1.14.2-our1',
      etcdRepository: 'mirror.test/etcd-builds',
    };
    expect(await stage(bench, 'cp1', 'first-control-plane', { images })).toMatchObject({ exitCode: 0 });
    const wanted = [
      ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'].map(
        (component) => `mirror.test/k8s/${component}:v1.36.4`,
      ),
      'mirror.test/dns/coredns:v1.14.2-our1',
      'mirror.test/k8s/pause:3.10.2',
      'mirror.test/etcd-builds/etcd:3.6.8-0',
    ];
    expect((await stateOf(bench, 'cp1')).images.get('1.36.4')).toEqual(wanted);
    expect([...machine.images]).toEqual(expect.arrayContaining(wanted));
  });

  it('fetches no image of what the cluster does not have from kubeadm', async () => {
    await using bench = await startTestBench(BOTH);
    await stage(bench, 'cp1', 'first-control-plane', { images: { withoutImages: ['dns', 'proxy', 'etcd'] } });
    expect((await stateOf(bench, 'cp1')).images.get('1.36.4')?.map((image) => /[^/]*$/.exec(image)?.[0])).toEqual([
      'kube-apiserver:v1.36.4',
      'kube-controller-manager:v1.36.4',
      'kube-scheduler:v1.36.4',
      'pause:3.10.2',
    ]);
  });

  it('does not go on with the images of an earlier look when kubeadm does not name them', async () => {
    await using bench = await startTestBench(BOTH);
    expect(await stage(bench, 'cp1', 'first-control-plane')).toMatchObject({ exitCode: 0 });
    bench.nodes.commands.fail({ match: /^kubeadm.* config images list/, exitCode: 1, times: 1 });
    expect(await stage(bench, 'cp1', 'first-control-plane')).toMatchObject({
      exitCode: 24,
      stderr: expect.stringContaining('kubeadm does not say which images 1.36.4 needs'),
    });
  });

  it('puts its packages on hold when another program lets go of the lock in time', async () => {
    await using bench = await startTestBench(BOTH);
    expect(await stage(bench, 'w1', 'worker')).toMatchObject({ exitCode: 0 });
    bench.nodes.commands.fail({ match: /^apt-mark hold/, exitCode: 100, times: 1 });
    const { machine } = bench.nodes.node('w1');
    expect(await upgrade(bench, 'w1', 'worker', { lockTimeoutSeconds: 30 })).toMatchObject({ exitCode: 0 });
    expect(machine.packages.get('kubelet')).toMatchObject({ held: true });
  });
});

describe('packages that are not ours', () => {
  const layouts: readonly { readonly title: string; readonly held: boolean; readonly want: object }[] = [
    {
      title: 'on hold stay as they are, and stop the staging, with what to do',
      held: true,
      want: {
        exitCode: 12,
        stderr: expect.stringMatching(
          /need other versions of packages that are on hold: cri-tools\n.*apt-mark unhold cri-tools/,
        ),
      },
    },
    { title: 'that have to move as well are named', held: false, want: { exitCode: 0 } },
  ];
  it.each(layouts)('$title', async ({ held, want }) => {
    await using bench = await startTestBench(BOTH);
    const { machine, knobs } = bench.nodes.node('w1');
    machine.packages.set('cri-tools', { version: '1.36.0-1.1', held, status: 'installed' });
    knobs.pulledIn.add('cri-tools');
    const result = await stage(bench, 'w1', 'worker');
    expect(result).toMatchObject(want);
    expect(result.stdout.includes('apt will install or change cri-tools as well')).toBe(!held);
    expect(machine.packages.get('cri-tools')).toEqual({ version: '1.36.0-1.1', held, status: 'installed' });
  });

  it('that cannot stay are named, and stay', async () => {
    await using bench = await startTestBench(BOTH);
    const { machine, knobs } = bench.nodes.node('w1');
    const driver = { version: '1.0', held: false, status: 'installed' } as const;
    machine.packages.set('vendor-driver', driver);
    knobs.inTheWay.add('vendor-driver');
    const result = await stage(bench, 'w1', 'worker');
    expect(result.exitCode).toBe(12);
    expect(result.stderr).toContain(
      'beside other packages of this node, which it would have to remove: vendor-driver\n',
    );
    expect(result.stderr).toContain('apt-get remove vendor-driver');
    expect(machine.packages.get('vendor-driver')).toEqual(driver);
  });
});
