import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exampleEtcdDiff } from '../../test/support/example-manifests.ts';
import { nameOfChange, sayChange } from './manifest-change.ts';
import { parseUpgradeDiff } from './upgrade-diff.ts';

/** Output of the real kubeadm over manifests that were edited by hand. */
function recorded(version: string, name = 'kubeadm-upgrade-diff-whole'): string {
  return readFileSync(new URL(`../../test/fixtures/recorded/${version}/${name}.txt`, import.meta.url), 'utf8');
}

const EDITED = [
  'kube-apiserver volume auth: {"hostPath":{"path":"/etc/kubernetes/auth","type":"DirectoryOrCreate"}} → gone',
  'kube-apiserver --authorization-mode: "Node,Webhook,RBAC" → "Node,RBAC"',
  'kube-apiserver --anonymous-auth: "false" → gone',
  'kube-apiserver --authentication-config: "/etc/kubernetes/auth/config.yaml" → gone',
  'kube-apiserver --enable-admission-plugins: "NodeRestriction,AlwaysPullImages" → "NodeRestriction"',
  'kube-apiserver env HTTPS_PROXY: "http://user:hunter2@proxy.test:3128" → gone',
  'kube-apiserver volumeMount /etc/kubernetes/auth: {"name":"auth","readOnly":true} → gone',
  'kube-apiserver resources.limits.memory: "8Gi" → gone',
  'kube-apiserver resources.requests.cpu: "500m" → "250m"',
  'kube-apiserver container kms-plugin: "mirror.test/kms-plugin:1.0" → gone',
  'kube-scheduler --profiling: "false" → gone',
];

describe('parseUpgradeDiff', () => {
  it.each([
    ['1.35.8', '1.35.9'],
    ['1.36.4', '1.36.4'],
    ['1.37.1', '1.37.1'],
  ])('I18 reads everything that the kubeadm of %s shows', (version, target) => {
    const { changes, patched } = parseUpgradeDiff(recorded(version), target, 'diff');
    const ofKubeadm = changes.filter((change) => nameOfChange(change).startsWith('kube-controller-manager '));
    expect(changes.filter((change) => !ofKubeadm.includes(change)).map(sayChange)).toEqual(EDITED);
    // kubeadm 1.36 has left it out by itself.
    expect(ofKubeadm.map(nameOfChange)).toEqual(
      version === '1.36.4'
        ? [
            'kube-controller-manager volume flexvolume-dir',
            'kube-controller-manager volumeMount /usr/libexec/kubernetes/kubelet-plugins/volume/exec',
          ]
        : [],
    );
    expect(patched).toEqual(new Set());
  });

  it('I18 has etcd with its patches, which kubeadm counts there; half of it is none', () => {
    const etcd = exampleEtcdDiff(['--q=8', '--a=1'], ['--a=2']);
    const output = `nightlift-patch\tetcd.json\n${etcd}${recorded('1.36.4')}`;
    const { changes, patched, etcdShown } = parseUpgradeDiff(output, '1.36.4', 'diff');
    expect(changes.slice(0, 2).map(sayChange)).toEqual(['etcd --q: "8" → gone', 'etcd --a: "1" → "2"']);
    expect([[...patched], etcdShown]).toEqual([[], true]);
    for (const half of [etcd.slice(0, 200), etcd.slice(0, etcd.indexOf(' ')), 'nightlift-etcd\t'])
      expect(() => parseUpgradeDiff(`${half}\n${recorded('1.36.4')}`, '1.36.4', 'diff')).toThrow(/etcd\.yaml/);
  });

  it('knows for which components patches lie on the node', () => {
    const patches = ['kube-apiserver0+strategic.yaml', 'etcd.json', 'README', 'my-kube-scheduler.yaml'];
    const output = `${patches.map((name) => `nightlift-patch\t${name}\n`).join('')}${recorded('1.36.4')}`;
    expect(parseUpgradeDiff(output, '1.36.4', 'diff').patched).toEqual(new Set(['kube-apiserver', 'etcd']));
  });

  const WHOLE = recorded('1.36.4');
  const lines = WHOLE.split('\n');

  it.each([
    ['nothing', '', /it shows kube-apiserver.yaml 0 times; .*: nothing$/],
    ['talk', '[upgrade/diff] Reading configuration\n', /0 times/],
    ['a page', '<html><body>502 Bad Gateway</body></html>', /0 times.*502 Bad Gateway/],
    [
      'a diff without the rest of the manifests',
      recorded('1.36.4', 'kubeadm-upgrade-diff'),
      /the whole of kube-apiserver/,
    ],
    ['another target', WHOLE.replaceAll('v1.36.4', 'v1.36.5'), /image of kube-apiserver would be .*:v1.36.5/],
    [
      'one image of another version',
      WHOLE.replace('kube-scheduler:v1.36.4', 'kube-scheduler:v1.36.40'),
      /kube-scheduler would be/,
    ],
    ['two in one', `${WHOLE}\n${WHOLE}`, /it shows kube-apiserver.yaml 2 times/],
    [
      'one manifest too few',
      lines
        .slice(
          0,
          lines.findIndex((line) => line.includes('kube-scheduler.yaml')),
        )
        .join('\n'),
      /kube-scheduler.yaml 0 times/,
    ],
    [
      'a manifest that cannot be read',
      WHOLE.replace(' kind: Pod', ' kind: [Pod'),
      /kube-apiserver.yaml cannot be read/,
    ],
    [
      'a second hunk',
      `${WHOLE.replace('--- stderr', '')}@@ -400 +400 @@\n-a\n+b\n`,
      /not show the whole of a manifest/,
    ],
    ['a header alone', '--- /etc/kubernetes/manifests/kube-apiserver.yaml\n', /it ends in kube-apiserver.yaml/],
  ])('I18 takes nothing for an answer that is none: %s', (_, output, expected) => {
    expect(() => parseUpgradeDiff(output, '1.36.4', 'kubeadm upgrade diff on cp1')).toThrow(
      expect.objectContaining({ kind: 'node', message: expect.stringMatching(expected) as string }),
    );
  });

  it('I18 takes no half of an answer, wherever it broke off', () => {
    const [answer = ''] = WHOLE.split('--- stderr');
    expect(() => parseUpgradeDiff(answer, '1.36.4', 'diff')).not.toThrow();
    for (let end = 0; end < answer.trimEnd().length - 40; end += 7)
      expect(() => parseUpgradeDiff(answer.slice(0, end), '1.36.4', 'diff')).toThrow(
        /what would change .* is not known/,
      );
  });
});
