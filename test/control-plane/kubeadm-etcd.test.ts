import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { etcdConfigurationOf } from '../../src/facts/etcd-configuration.ts';
import { sayChange } from '../../src/node/manifest-change.ts';
import { parseUpgradeDiff } from '../../src/node/upgrade-diff.ts';
import { createAptNode, scripts, missing as withoutApt } from '../components/apt-node.ts';
import { exampleDiff } from '../support/example-manifests.ts';
import { kubePrograms } from './kube-programs.ts';

const MANIFESTS = 'etc/kubernetes/manifests';
const PATCHES = '/etc/kubernetes/patches';
const CLUSTER = {
  apiVersion: 'kubeadm.k8s.io/v1beta4',
  kind: 'ClusterConfiguration',
  etcd: { local: { dataDir: '/data/etcd', extraArgs: [{ name: 'snapshot-count', value: '5000' }] } },
};
const missing = withoutApt || (await missingPrograms());

async function missingPrograms(): Promise<string> {
  const programs = await kubePrograms();
  return 'missing' in programs ? ` (${programs.missing})` : '';
}

async function nodeOf(version: string, address: string, work: string) {
  const programs = await kubePrograms(version);
  const kubeadm = 'missing' in programs ? '' : join(programs.directory, 'kubeadm');
  const node = createAptNode(join(work, 'node'));
  // As the real kubeadm of the minor has written it, for this configuration and this address.
  const config = join(work, 'config.yaml');
  const documents = [
    {
      apiVersion: CLUSTER.apiVersion,
      kind: 'InitConfiguration',
      nodeRegistration: { name: 'w1' },
      localAPIEndpoint: { advertiseAddress: address },
    },
    { ...CLUSTER, kubernetesVersion: `v${version}` },
  ];
  writeFileSync(config, documents.map((one) => JSON.stringify(one)).join('\n---\n'));
  const drawn = join(work, 'drawn');
  mkdirSync(drawn);
  execFileSync(kubeadm, ['init', 'phase', 'etcd', 'local', '--dry-run', '--config', config], {
    env: { ...process.env, KUBEADM_INIT_DRYRUN_DIR: drawn },
    stdio: 'ignore',
  });
  node.put(`${MANIFESTS}/etcd.yaml`, readFileSync(join(drawn, 'etcd.yaml')));
  const endpoint = `${address.includes(':') ? `[${address}]` : address}:6443`;
  node.put(
    `${MANIFESTS}/kube-apiserver.yaml`,
    `metadata:\n  annotations:\n    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: ${endpoint}\n`,
  );
  // `upgrade diff` asks an API server, which is not here.
  const diff = join(work, 'diff');
  writeFileSync(diff, exampleDiff({}, version));
  const program = `var/lib/nightlift/stage/${version}/program/kubeadm`;
  node.put(program, `#!/bin/sh\nif [ "$1" = upgrade ]; then cat ${diff}; else exec ${kubeadm} "$@"; fi\n`);
  chmodSync(node.path(program), 0o755);
  return {
    node,
    edit: (change: (text: string) => string) =>
      node.put(`${MANIFESTS}/etcd.yaml`, change(node.read(`${MANIFESTS}/etcd.yaml`))),
    async ask(cluster: object = CLUSTER) {
      const script = scripts.diff({
        node: 'w1',
        machineId: '',
        target: version,
        patchesDirectory: PATCHES,
        etcdConfiguration: etcdConfigurationOf(cluster, version),
      });
      const { exitCode, stdout, output } = await node.run(script);
      expect(exitCode, output).toBe(0);
      return parseUpgradeDiff(stdout, version, 'diff');
    },
  };
}

async function within(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-etcd-'));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe.skipIf(missing !== '')(`what the real kubeadm would write for etcd${missing}`, { timeout: 60_000 }, () => {
  it.each([
    ['1.35.8', '192.0.2.1'],
    ['1.36.4', '192.0.2.1'],
    ['1.36.4', '2001:db8::1'],
    ['1.37.1', '192.0.2.1'],
  ])('%s: nothing changes on %s but what was put into the manifest alone', async (version, address) => {
    await within(async (work) => {
      const { node, edit, ask } = await nodeOf(version, address, work);
      expect(await ask()).toMatchObject({ changes: [], etcdShown: true });
      edit((text) =>
        text
          .replace('    - --name=w1\n', '    - --name=w1\n    - --quota-backend-bytes=8589934592\n')
          .replace('--snapshot-count=5000', '--snapshot-count=20000')
          .replace('memory: 100Mi', 'memory: 2Gi'),
      );
      expect((await ask()).changes.map(sayChange).toSorted()).toEqual([
        'etcd --quota-backend-bytes: "8589934592" → gone',
        'etcd --snapshot-count: "20000" → "5000"',
        'etcd resources.requests.memory: "2Gi" → "100Mi"',
      ]);
      expect(readdirSync(node.path(`var/lib/nightlift/stage/${version}`)).toSorted()).toEqual(['diff', 'program']);
      expect(existsSync(node.path('data'))).toBe(false);
    });
  });

  it('counts what a patch puts back', async () => {
    await within(async (work) => {
      const { node, edit, ask } = await nodeOf('1.36.4', '192.0.2.1', work);
      edit((text) => text.replace('memory: 100Mi', 'memory: 2Gi'));
      const patch = '{"spec":{"containers":[{"name":"etcd","resources":{"requests":{"memory":"2Gi"}}}]}}\n';
      node.put(`${PATCHES.slice(1)}/etcd0+strategic.yaml`, patch);
      expect(await ask()).toMatchObject({ changes: [], patched: new Set(), etcdShown: true });
    });
  });

  it('is not known, in its own words, where kubeadm takes the configuration for none', async () => {
    await within(async (work) => {
      const { ask } = await nodeOf('1.36.4', '192.0.2.1', work);
      const answer = await ask({ ...CLUSTER, apiVersion: 'kubeadm.k8s.io/v1beta9' });
      expect(answer).toMatchObject({
        etcdShown: false,
        etcdUnknown: expect.stringMatching(/^exit code 1: /) as string,
      });
    });
  });

  it('is not asked where etcd is external', async () => {
    await within(async (work) => {
      const { ask } = await nodeOf('1.36.4', '192.0.2.1', work);
      const answer = await ask({ ...CLUSTER, etcd: { external: { endpoints: ['https://192.0.2.9:2379'] } } });
      expect(answer).toEqual({ changes: [], patched: new Set(), etcdShown: false });
    });
  });
});
