import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { exampleFacts, exampleNode } from '../../src/facts/example-facts.ts';
import { containerRuntime } from '../../src/gate/container-runtime.ts';
import { evaluateGate } from '../../src/gate/evaluate-gate.ts';
import { exampleOptions } from '../../src/gate/example-options.ts';
import { explainFailure } from '../../src/node/explain-failure.ts';
import { parseKnownHosts } from '../../src/node/known-hosts.ts';
import { planIsUpToDate, planNamesTarget } from '../../src/node/kubeadm-output.ts';
import { parseManifestCopies } from '../../src/node/manifest-copies.ts';
import { parseNodeState } from '../../src/node/node-state.ts';
import { parseSurvey } from '../../src/node/parse-survey.ts';
import { parseUpgradeDiff } from '../../src/node/upgrade-diff.ts';
import { known } from '../../src/observed.ts';
import { oneLine } from '../../src/plain-text.ts';
import { parseMadison } from '../../src/releases/madison.ts';
import { completeVersions, parsePackages } from '../../src/releases/packages.ts';
import { parseSnapshotLog } from '../../src/steps/etcd/snapshot-log.ts';
import { compareVersions, jumpBetween, parseDebianVersion, parseVersion, versionFromUser } from '../../src/version.ts';
import { surveyOutput } from '../support/survey-output.ts';
import type { FuzzCase } from './fuzz.ts';
import { ANSWER_FUZZ_CASES } from './fuzz-answer-cases.ts';

const RECORDED = resolve(import.meta.dirname, '../fixtures/recorded');
const TARGET = '1.36.4';
const OPTIONS = exampleOptions();

/** What real programs have said, by the name of the recording. */
function recorded(pattern: RegExp): readonly string[] {
  return readdirSync(RECORDED, { recursive: true, encoding: 'utf8' })
    .filter((file) => pattern.test(file) && file.endsWith('.txt'))
    .map((file) => readFileSync(join(RECORDED, file), 'utf8').slice(0, 8_000));
}

const stanza = (name: string, version: string, architecture = 'amd64'): string =>
  `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nDepends: a (>= 1.0),\n b\nFilename: amd64/${name}_${version}.deb\nSHA256: 00ff\nDescription: x\n more\n\n`;
const PACKAGES = ['1.36.3-1.1', '1.36.4-1.1', '1.36.5-2.1'].flatMap((version) =>
  ['kubeadm', 'kubelet', 'kubectl'].map((name) => stanza(name, version)),
);
const madison = (name: string, version: string): string =>
  `   ${name} | ${version} | https://pkgs.k8s.io/core:/stable:/v1.36/deb  Packages\n`;
/** A short one of the kind that kubeadm gives. */
function wholeDiff(): string {
  return ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']
    .map(
      (component) =>
        `--- /etc/kubernetes/manifests/${component}.yaml\n+++ new manifest\n@@ -1,7 +1,6 @@\n kind: Pod\n spec:\n   containers:\n   - name: ${component}\n-    image: a/${component}:v1.36.3\n+    image: a/${component}:v${TARGET}\n-    command: [${component}, --v=2]\n \n`,
    )
    .join('');
}
const HOST_KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';

/** The version stands in the text as it is given back: nothing is made up. */
function madeUp(versions: readonly string[], text: string): string | undefined {
  const odd = versions.find((version) => parseVersion(version) !== version || !text.includes(version));
  if (odd !== undefined) return `${odd} is not in the text`;
  const isAscending = versions.every(
    (version, index) => index === 0 || compareVersions(versions[index - 1] ?? '', version) < 0,
  );
  return isAscending ? undefined : `not ascending: ${versions.join(' ')}`;
}

export const FUZZ_CASES: readonly FuzzCase[] = [
  {
    name: 'Packages',
    seeds: [
      PACKAGES.join(''),
      stanza('kubeadm', '1.36.4-1.1') + stanza('cri-tools', '1.36.0-1.1', 'arm64'),
      '<html>no</html>',
    ],
    run: (text) => {
      const versions = completeVersions(parsePackages(text, 'the feed'), ['amd64'], 'the feed');
      const missing = versions.find(
        (version) => ['kubeadm', 'kubelet', 'kubectl'].some((name) => !text.includes(name)) && version !== '',
      );
      return missing === undefined ? madeUp(versions, text) : `${missing} without all packages`;
    },
  },
  {
    name: 'madison',
    seeds: [
      ['kubeadm', 'kubelet', 'kubectl']
        .flatMap((name) => [madison(name, '1.36.4-1.1'), madison(name, '1.36.3-1.1')])
        .join(''),
      madison('kubeadm', '1.36.4-1.1'),
      'N: Unable to locate package kubeadm\n',
    ],
    run: (text) => {
      const versions = parseMadison(text, '1.36');
      return versions.length === 0 ? 'no versions and no error' : madeUp(versions, text);
    },
  },
  {
    name: 'kubeadm upgrade plan',
    seeds: recorded(/plan/),
    run: (text) => {
      const offered = planNamesTarget(text, TARGET);
      if (offered && !text.includes(`kubeadm upgrade apply v${TARGET}`)) return 'offers what does not stand there';
      return offered && planIsUpToDate(text, TARGET) ? 'offered and up to date' : undefined;
    },
  },
  {
    name: 'kubeadm upgrade diff',
    // Hardly any damage within a diff is taken: beside it there is as much talk as diff.
    seeds: [
      wholeDiff(),
      `${'[upgrade/diff] Reading configuration from the "kubeadm-config" ConfigMap\n'.repeat(20)}${wholeDiff()}`,
      `nightlift-patch\tkube-apiserver.yaml\n${wholeDiff()}${'W1127 19:46:58.830918 22809 cluster.go:208] Node "cp1" lacks a file\n'.repeat(20)}`,
    ],
    run: (text) => {
      // Every answer that is taken for one shows the three images of the target, whole.
      parseUpgradeDiff(text, TARGET, 'fuzz');
      const missing = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].find(
        (component) => !text.includes(`/${component}:v${TARGET}`),
      );
      return missing === undefined ? undefined : `taken for a diff without ${missing}`;
    },
  },
  {
    name: 'manifest-copies.sh',
    seeds: [
      `${['before', 'now'].map((when) => `nightlift-manifest\t${when} etcd ${'YQ=='.repeat(30)}\n`).join('')}nightlift-promised\tYQ==\nnightlift-manifests-end\tx\n`,
    ],
    run: (text) => {
      const { now } = parseManifestCopies(text);
      return [...now.keys()].some((component) => !text.includes(` ${component} `))
        ? 'a component of nobody'
        : undefined;
    },
  },
  {
    name: 'output of a failed kubeadm',
    seeds: [
      ...recorded(/kubeadm-upgrade|pull/),
      '[upgrade/staticpods] Preparing for "etcd" upgrade\nThis can take up to 5m0s nightlift: a nightlift: a\nnightlift: failed: a\nnightlift: what to do: b\n',
    ],
    run: (text) => {
      const { reason, message, remedy } = explainFailure('upgrade-node', 20, text);
      return reason === '' || message === '' || remedy === '' ? 'an explanation without words' : undefined;
    },
  },
  {
    name: 'containerRuntimeVersion',
    seeds: [
      'containerd://2.2.1',
      'containerd://1.7.24~ds1-6',
      'containerd://1.6.14',
      'cri-o://1.36.0',
      'docker://27.1.0',
      'constructor://1.2.3',
      '',
    ],
    run: (text) => {
      const facts = exampleFacts({
        nodes: known([exampleNode('cp-1'), exampleNode('worker-1', { containerRuntime: text })]),
      });
      const { findings } = evaluateGate(facts, TARGET, [containerRuntime], OPTIONS);
      const blocks = findings.some(({ severity }) => severity === 'block');
      const version = /^containerd:\/\/v?(\d+\.\d+\.\d+)(?![0-9.])/.exec(text)?.[1];
      const isFine =
        version !== undefined && parseVersion(version) !== undefined && compareVersions(version, '1.6.15') >= 0;
      if (findings.some(({ message }) => /is not a function|undefined|TypeError/.test(message)))
        return 'a defect of the check';
      return blocks ||
        isFine ||
        /^cri-o:\/\/v?1\.(2[6-9]|[3-9]\d|\d{3,})\./.test(text) ||
        /^cri-o:\/\/v?([2-9]|\d\d+)\./.test(text)
        ? undefined
        : 'a runtime that nobody knows is let through';
    },
  },
  {
    name: 'versions',
    seeds: ['1.36.4', 'v1.36.4', '1.36.4-1.1', '1.36', '1.36.x', '01.36.4', '1.36.4-rc.1', '1.36.99999999999999999999'],
    run: (text) => {
      const version = parseVersion(text);
      const debian = parseDebianVersion(text);
      if (version !== undefined) {
        if (!/^\d+\.\d+\.\d+$/.test(version) || !text.endsWith(version)) return `${version} is no version`;
        const jump = jumpBetween('1.36.3', version);
        if (typeof jump === 'string' && compareVersions(version, '1.36.3') < 0) return 'a step down';
      }
      if (debian !== undefined && `${debian.version}-${debian.revision}` !== text) return 'another Debian version';
      // A leading v is how kubectl writes them.
      return versionFromUser(text, 'the version') === text.trim().replace(/^v/, '')
        ? undefined
        : 'another version than the typed one';
    },
  },
  {
    name: 'snapshot log',
    seeds: [
      'Snapshot saved at /b/x.db\nBackup done: /b/x.db (7340064 bytes)\n',
      'Backup done: a (b) (1 bytes)',
      'panic: x',
    ],
    run: (text) => {
      const report = parseSnapshotLog(text);
      if (report === undefined) return undefined;
      const stands = text.includes(report.file) && new RegExp(`\\(0*${report.bytes} bytes\\)`).test(text);
      return stands && report.bytes >= 0 ? undefined : `${report.file} ${report.bytes} is not in the log`;
    },
  },
  {
    name: 'known_hosts',
    seeds: [
      `[10.0.0.1]:2222 ssh-ed25519 ${HOST_KEY}\n10.0.0.2,node-* ssh-ed25519 ${HOST_KEY} comment\n# a\n@revoked * ssh-ed25519 ${HOST_KEY}\n`,
      `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 ${HOST_KEY}\n`,
      `*a*a*a*a,!b ssh-ed25519 ${HOST_KEY}\n@cert-authority * ssh-ed25519 ${HOST_KEY}\n`,
    ],
    run: (text) => {
      const hosts = parseKnownHosts(text);
      for (const name of ['10.0.0.1', '10.0.0.2', `${'a'.repeat(60)}b`]) {
        const odd = hosts.keysFor([name], 22).types.find((type) => hosts.keysFor([name], 22).pinned(type).length === 0);
        if (odd !== undefined) return 'a key without a key';
      }
      return undefined;
    },
  },
  {
    name: 'node state',
    seeds: [
      'package.kubeadm\t1.36.3-1.1 hold installed\npackage.kubelet\t1.36.3-1.1 hold installed\nmanifest.etcd\tregistry.k8s.io/etcd:3.6.5-0\nfree.root\t123\nfree.var\t456\nimage\t1.36.4 registry.k8s.io/etcd:3.6.5-0\nbackup\t/etc/kubernetes/tmp/a 12\nkubelet\tactive\n',
      'free.root\t1\nfree.var\t2\nkubelet\tfailed\n',
    ],
    run: (text) => {
      const { freeBytes, kubelet, packages } = parseNodeState(text);
      if (!text.includes(kubelet)) return 'a kubelet that is not in the text';
      if ([freeBytes.root, freeBytes.var].some((bytes) => Number.isNaN(bytes) || bytes < 0))
        return 'no number of bytes';
      return [...packages.values()].some(({ version }) => version !== undefined && parseVersion(version) !== version)
        ? 'a package version that is none'
        : undefined;
    },
  },
  {
    name: 'survey',
    seeds: [
      surveyOutput(),
      surveyOutput(
        ['survey.nic', 'eth0', 'virtio_net', '-1'],
        ['survey.apt-lock', '/var/lib/dpkg/lock', '42', 'apt-get', '1795301000'],
        ['survey.kubelet-flag', '/etc/default/kubelet', '--feature-gates=A=true,B=false'],
        [
          'survey.kubelet-config',
          'config.yaml',
          gzipSync('failSwapOn: false\nfeatureGates: {A: true}\n').toString('base64'),
        ],
        ['survey.certificate', '/a.crt', '170d3237313132373139353133365a'],
        ['survey.etcd', '/var/lib/etcd', 'https://127.0.0.1:2379', '123'],
        ['survey.etcd-answer', 'member list', '{"members":[{"name":"cp1"}]}'],
        ['survey.etcd-answer', 'endpoint status', '[{"Status":{"version":"3.6.8","dbSize":8192}}]'],
        ['survey.etcd-answer', 'alarm list', '{"alarms":[{"alarm":1}]}'],
      ),
      '<html>502</html>',
    ],
    run: (text) => {
      const survey = parseSurvey(text, undefined);
      if (survey.fileSystems.length === 0) return 'a node without a file system';
      return text.includes(survey.kernel) || oneLine(text).includes(survey.kernel)
        ? undefined
        : 'a kernel that is not in the text';
    },
  },
  ...ANSWER_FUZZ_CASES,
];
