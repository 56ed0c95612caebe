import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KUBEADM_IMAGES } from '../facts/image-sources.ts';
import { type NodeScript, nodeScripts, renderScript, type UpgradeRole } from './scripts.ts';

const templates = (name: string): string =>
  readFileSync(new URL(`../../templates/node/${name}.sh`, import.meta.url), 'utf8');
const golden = new URL('../../test/golden/node/', import.meta.url);
const scripts = nodeScripts(templates);
const repository = { repoBase: 'https://pkgs.k8s.io/core:/stable:', lockTimeoutSeconds: 300 };
const fingerprint = 'DE15 B144 86CD 377B 9E87  6E1A 2346 54DA 9A29 6436';
const here = { node: 'worker-1', machineId: '5d41402abc4b2a76b9719d911017c592' };
const fence = { generation: 1_795_302_000_000, holder: 'k8s-upgrade-worker-1-36-4-worker-1-x7k2p' };
const kubeadm = {
  ignorePreflightErrors: ['CoreDNSMigration', 'CoreDNSUnsupportedPlugins'],
  skipPhases: ['addon/coredns', 'bootstrap-token'],
  patchesDirectory: '',
};

function upgrade(role: UpgradeRole, target: string, etcdUpgrade = true): NodeScript {
  return scripts.upgradeNode({ ...here, ...repository, target, role, ...kubeadm, etcdUpgrade });
}

function stage(role: UpgradeRole, target: string, keyFingerprints: readonly string[]): NodeScript {
  return scripts.stage({
    ...here,
    ...repository,
    target,
    role,
    keyFingerprints,
    keyWarnDays: 45,
    neededBytes: 2_000_000_000,
    images:
      role === 'worker'
        ? KUBEADM_IMAGES
        : { ...KUBEADM_IMAGES, imageRepository: 'mirror.example.com/k8s', dnsTag: 'v1.14.2', withoutImages: ['proxy'] },
  });
}

/** Every role and kind of jump. */
const rendered: Readonly<Record<string, NodeScript>> = {
  'list-releases': scripts.listReleases({ ...repository, minor: '1.36' }),
  'node-state': scripts.nodeState(),
  'this-node': scripts.thisNode(here),
  survey: scripts.survey(here),
  'stage-first-control-plane-patch': stage('first-control-plane', '1.36.4', [fingerprint]),
  'stage-worker-minor': stage('worker', '1.37.1', []),
  plan: scripts.plan({ target: '1.36.4', ignorePreflightErrors: ['CoreDNSMigration'] }),
  diff: scripts.diff({
    ...here,
    target: '1.36.4',
    patchesDirectory: '/etc/kubernetes/patches',
    etcdConfiguration: '{"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration"}',
  }),
  'manifest-copies': scripts.manifestCopies({ target: '1.36.4' }),
  unstage: scripts.unstage({ ...here, target: '1.36.4' }),
  'prune-backups': scripts.pruneBackups({ ...here, ...fence, days: 3 }),
  'upgrade-first-control-plane-patch': upgrade('first-control-plane', '1.36.4'),
  'upgrade-first-control-plane-minor': upgrade('first-control-plane', '1.37.1'),
  'upgrade-first-control-plane-without-etcd': upgrade('first-control-plane', '1.36.4', false),
  'upgrade-control-plane-patch': upgrade('control-plane', '1.36.4'),
  'upgrade-worker-patch': upgrade('worker', '1.36.4'),
  'upgrade-worker-minor': upgrade('worker', '1.37.1'),
  'control-plane-health': scripts.controlPlaneHealth({
    apiServers: [
      { node: 'cp2', address: '192.0.2.12:6443' },
      { node: 'cp3', address: '[2001:db8::13]:6443' },
    ],
    timeLimitSeconds: 60,
  }),
  'etcd-snapshot': scripts.etcdSnapshot({
    ...here,
    target: '1.36.4',
    run: '2026-11-21T23:00:00.000Z',
    reuseSeconds: 1800,
    directory: '/var/lib/nightlift/snapshots',
    keep: 3,
    restoreProof: 'auto',
    timeLimitSeconds: 600,
  }),
  'stage-containerd': scripts.stageContainerd({ ...here, version: '1.7.24', lockTimeoutSeconds: 300 }),
  'raise-containerd': scripts.raiseContainerd({ ...here, version: '1.7.24', lockTimeoutSeconds: 300 }),
  'run-script': scripts.runScript({ ...here, ...fence, text: 'echo "restoring"\n' }),
  'detached-arrive': renderScript(templates, 'detached-arrive', {
    unit: 'nightlift-master-1-36-4',
    identity: 'a'.repeat(64),
    scriptBase64: 'dHJ1ZQo=',
    timeLimitSeconds: 5400,
    ...fence,
  }),
  'detached-poll': renderScript(templates, 'detached-poll', {
    unit: 'nightlift-master-1-36-4',
    identity: 'a'.repeat(64),
    offset: 0,
    waitSeconds: 10,
  }),
  'detached-clean': renderScript(templates, 'detached-clean', {
    unit: 'nightlift-master-1-36-4',
    identity: 'a'.repeat(64),
  }),
};

describe('node scripts', () => {
  it.each(Object.keys(rendered))('%s is what its golden file shows (UPDATE_GOLDEN=1 rewrites it)', (name) => {
    const file = new URL(`${name}.sh`, golden);
    const text = rendered[name]?.text ?? '';
    if (process.env['UPDATE_GOLDEN'] === '1') {
      mkdirSync(golden, { recursive: true });
      writeFileSync(file, text);
    }
    expect(text).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
  });

  it('has no golden file without a script', () => {
    expect(readdirSync(golden).toSorted()).toEqual(
      Object.keys(rendered)
        .map((name) => `${name}.sh`)
        .toSorted(),
    );
  });

  it('is bash, whole and in each kind', () => {
    // shellcheck looks at the golden files: `npm test -- --only shell`.
    const kinds = new Map(Object.values(rendered).map(({ name, text }) => [name, text]));
    for (const [, text] of kinds) expect(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' }).stderr).toBe('');
  });

  it('ends at the first error and answers no question', () => {
    for (const { text } of Object.values(rendered)) {
      expect(text).toContain('\nset -euo pipefail\n');
      expect(text).toContain('DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1');
    }
  });

  it('puts ROOT before every path that it reads or writes', () => {
    for (const name of readdirSync(new URL('../../templates/node/', import.meta.url))) {
      const bare = templates(name.replace(/\.sh$/, ''))
        .split('\n')
        .filter((line) => !/^\s*(#|say |fail |if ! .*fail |\*\)? ?fail |\d\d\) fail )/.test(line))
        .map((line) =>
          line
            .replace(/\bfail \d+ .*$/, '')
            .replace(/^\s*printf 'deb .*$/, '')
            .replace(/^\s*\/\*.*$/, ''),
        )
        .filter((line) => /(?<![\w$}"*/:-])"?\/(etc|var|usr|root|tmp|opt|run)\//.test(line));
      expect({ name, bare }).toEqual({ name, bare: [] });
    }
  });

  it('gives `kubeadm upgrade node` only phases that it has', () => {
    expect(rendered['upgrade-first-control-plane-patch']?.text).toContain(
      "SKIP_PHASES='addon/coredns,bootstrap-token'",
    );
    expect(rendered['upgrade-worker-patch']?.text).toContain("SKIP_PHASES='addon/coredns'");
  });

  it('D18 I16 always gives kubeadm the target', () => {
    for (const [name, { text }] of Object.entries(rendered)) {
      for (const line of text
        .split('\n')
        .filter((one) => /upgrade (plan|diff|apply)\b.*"/.test(one) && !one.includes('fail'))) {
        expect(`${name}: ${line}`).toMatch(/upgrade (plan|diff|apply) "v\$TARGET"/);
      }
    }
  });

  it('quotes what an operator may have put into a setting', () => {
    const script = scripts.plan({ target: "1.36.4'; touch /tmp/x; '", ignorePreflightErrors: ['$(id)'] });
    expect(script.text).toContain(`TARGET='1.36.4'\\''; touch /tmp/x; '\\'''`);
    expect(script.text).toContain("IGNORE='$(id)'");
  });
});
