import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from './exit-codes.ts';
import { explainFailure } from './explain-failure.ts';

const hashOf = (component: string): string =>
  `error: error execution phase control-plane: couldn't complete the static pod upgrade: couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced: static Pod hash for component ${component} on Node cp1 did not change after 5m0s: context deadline exceeded`;

describe('explainFailure', () => {
  it.each([
    [
      'an image that is missing',
      '\t[ERROR ImagePull]: failed to pull image registry.k8s.io/kube-scheduler:v1.36.4: failed to pull image …',
      'ImagePull',
    ],
    ['I06 D17 etcd whose hash never changes', hashOf('etcd'), 'EtcdHashUnchanged'],
    ['another component whose hash never changes', hashOf('kube-apiserver'), 'StaticPodNotRestarted'],
    [
      'a full disk',
      'error: failed to back up etcd data: write /etc/kubernetes/tmp/x: no space left on device',
      'DiskFull',
    ],
    [
      "kubeadm's health Job",
      '\t[ERROR CreateJob]: Job "upgrade-health-check-qh24w" in the namespace "kube-system" did not complete in 15s',
      'HealthCheckJob',
    ],
    ['another preflight check', '\t[ERROR CoreDNSUnsupportedPlugins]: there are unsupported plugins', 'PreflightCheck'],
    [
      'a control plane that is not Ready',
      '\t[ERROR ControlPlaneNodesReady]: there are NotReady control-planes in the cluster: [cp2]',
      'ControlPlaneNotReady',
    ],
    [
      'a lost manifest',
      "\t[ERROR StaticPodManifest]: couldn't find manifests for: [kube-apiserver]",
      'ManifestMissing',
    ],
    [
      'an API server that is away',
      'error: couldn\'t create a Kubernetes client: Get "https://10.0.0.1:6443": dial tcp 10.0.0.1:6443: connect: connection refused',
      'ApiServerAway',
    ],
    ['etcd that is not well', 'error: etcd cluster is not healthy: context deadline exceeded', 'EtcdUnhealthy'],
    [
      'a refused version',
      '\t- Specified version to upgrade to "v1.38.0" is too high; kubeadm can upgrade only 1 minor version at a time',
      'VersionPolicy',
    ],
    [
      'a wait that was the last thing said',
      '[upgrade/staticpods] Preparing for "etcd" upgrade\n[apiclient] ok\n[upgrade/staticpods] Preparing for "kube-scheduler" upgrade\n[upgrade/staticpods] This can take up to 5m0s\nW1121 06:52:44 grpc',
      'StaticPodNotRestarted',
    ],
    ['words that nobody knows', 'error: something new', 'KubeadmFailed'],
    [
      'refused connections in klog lines only',
      'W1121 06:52:44.783098 2599 logging.go:55] grpc: connect: connection refused',
      'KubeadmFailed',
    ],
  ])('tells %s', (_, tail, reason) => {
    expect(
      explainFailure('upgrade-node', 20, `${tail}\nnightlift: failed: kubeadm upgrade apply did not succeed`).reason,
    ).toBe(reason);
  });

  it.each([
    [11, 'PackageLockHeld'],
    [28, 'DiskFull'],
    [24, 'ImagePull'],
    [15, 'RepositoryKey'],
    [30, 'PackageInstall'],
    [31, 'KubeletNotActive'],
    [124, 'TimeLimit'],
    [137, 'Killed'],
  ])('exit code %i is %s', (code, reason) => {
    expect(explainFailure('stage', code, '').reason).toBe(reason);
  });

  it.each([
    [
      'a key that the node does not know',
      "W: GPG error: http://pkgs.example/v1.36/deb  InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 84D7ACBF37DFC1CF\nE: The repository 'http://pkgs.example/v1.36/deb  InRelease' is not signed.",
      /^the package index is signed with the key 84D7ACBF37DFC1CF, which the node does not trust$/,
    ],
    [
      'a key that has expired',
      'The following signatures were invalid: EXPKEYSIG 84D7ACBF37DFC1CF isv:kubernetes OBS Project',
      /^the package index is signed with the key 84D7ACBF37DFC1CF, which has expired$/,
    ],
    [
      'a bad signature',
      'W: GPG error: http://pkgs.example/v1.36/deb  InRelease: The following signatures were invalid: BADSIG 84D7ACBF37DFC1CF isv:kubernetes OBS Project',
      /^the signature of the package index is wrong: .*BADSIG 84D7ACBF37DFC1CF/,
    ],
  ])("tells %s from apt's words", (_, tail, message) => {
    const failed = 'nightlift: failed: apt-get update did not succeed\nnightlift: what to do: mend what apt names\n';
    expect(explainFailure('list-releases', 17, `${tail}\n${failed}`)).toMatchObject({
      reason: 'PackageListRefresh',
      message: expect.stringMatching(message) as string,
    });
  });

  it('tells a full disk by the words of whatever met it', () => {
    const tail = 'base64: write error: No space left on device\nbase64: write error\n';
    expect(explainFailure('detached-arrive', 1, tail)).toMatchObject({
      reason: 'DiskFull',
      message: 'a disk of the node is full: base64: write error: No space left on device',
    });
  });

  it("passes on the script's own words", () => {
    const tail =
      'E: Could not get lock\nnightlift: failed: another program held the lock\nnightlift: what to do: let it end\n';
    expect(explainFailure('stage', 11, tail)).toEqual({
      reason: 'PackageLockHeld',
      message: 'another program held the lock',
      remedy: 'let it end',
    });
    expect(explainFailure('run-script', 7, 'one\ntwo\n')).toMatchObject({ reason: 'ScriptFailed', message: 'two' });
    expect(explainFailure('run-script', 7, '')).toMatchObject({ message: 'run-script.sh printed nothing' });
  });

  it('names the image in recorded output of kubeadm', (context) => {
    const file = new URL(
      '../../test/fixtures/recorded/1.36.4/kubeadm-upgrade-apply-image-missing.txt',
      import.meta.url,
    );
    if (!existsSync(file)) context.skip('there is no recording');
    expect(explainFailure('upgrade-node', 20, readFileSync(file, 'utf8'))).toMatchObject({
      reason: 'ImagePull',
      message: 'the image registry.k8s.io/kube-scheduler:v1.36.4 could not be pulled; nothing was changed',
    });
  });
});

describe('the table of exit codes', () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const scripts = globSync('templates/{node/*,node-program/nightlift-node}.sh', {
    cwd: new URL('../../', import.meta.url),
  }).map(read);
  /** Of the shell, of timeout(1) and of signals: no script says them itself. */
  const foreign = [124, 126, 127, 137];
  const said = scripts.flatMap((text) =>
    [...text.matchAll(/(?:\b(?:fail|exit|apt_get|install_packages) |\bcode=)(\d+)\b/g)].map(([, code]) => Number(code)),
  );
  const inOrder = (codes: Iterable<number>): number[] => [...new Set(codes)].toSorted((a, b) => a - b);

  it('has every code that a script of templates/node can end with, and no other', () => {
    const ends = said.filter((code) => code !== 0);
    expect(inOrder(ends).length).toBeGreaterThan(25);
    expect(inOrder(Object.keys(EXIT_CODES).map(Number))).toEqual(inOrder([...ends, ...foreign]));
  });

  it('is the one of docs/messages.md', () => {
    const rows = [...read('docs/messages.md').matchAll(/^\| (\d+) \| `(\w+)`/gm)].map(
      ([, code, reason]) => `${code} ${reason}`,
    );
    const ours = Object.entries(EXIT_CODES).map(([code, { reason }]) => `${code} ${reason}`);
    // What a kill meant is told apart by systemd's word for it.
    expect(rows.toSorted()).toEqual([...ours, '137 OutOfMemory'].toSorted());
  });
});
