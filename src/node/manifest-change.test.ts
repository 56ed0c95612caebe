import { describe, expect, it } from 'vitest';
import { manifestChanges, sayChange } from './manifest-change.ts';

/** A manifest of kube-apiserver, with what is given in the container and in the spec. */
function manifest({
  flags = ['--secure-port=6443'],
  image = 'registry.k8s.io/kube-apiserver:v1.36.3',
  container = {},
  containers = [],
  spec = {},
  more = {},
}: {
  flags?: readonly string[];
  image?: string;
  container?: object;
  containers?: readonly object[];
  spec?: object;
  more?: object;
} = {}): string {
  const own = { name: 'kube-apiserver', command: ['kube-apiserver', ...flags], image, ...container };
  return JSON.stringify({ kind: 'Pod', ...more, spec: { containers: [own, ...containers], ...spec } });
}

const changes = (before: string, after: string, component = 'kube-apiserver') =>
  manifestChanges(component, before, after).map(sayChange);
const NEXT = 'registry.k8s.io/kube-apiserver:v1.36.4';

describe('manifestChanges', () => {
  it('finds none where only the version of the image is another', () => {
    expect(changes(manifest(), manifest({ image: NEXT }))).toEqual([]);
  });

  it('finds none in comments, in the order of keys and in what is empty', () => {
    const before = `# by hand\nspec:\n  containers:\n  - image: ${NEXT} # x\n    name: kube-apiserver\n    command: [kube-apiserver, "--secure-port=6443"]\n    securityContext: {}\n    env: []\nstatus: {}\nmetadata: { creationTimestamp: null }\nkind: Pod\n`;
    expect(changes(before, manifest({ image: NEXT }))).toEqual([]);
  });

  it.each<[string, Parameters<typeof manifest>[0], readonly string[]]>([
    ['a flag', { flags: ['--secure-port=6443', '--a=1'] }, ['kube-apiserver --a: "1" → gone']],
    ['a flag without a value', { flags: ['--secure-port=6443', '--a'] }, ['kube-apiserver --a: "" → gone']],
    ['a value', { flags: ['--secure-port=7443'] }, ['kube-apiserver --secure-port: "7443" → "6443"']],
    [
      'one of several values',
      { flags: ['--secure-port=6443', '--secure-port=7443'] },
      ['kube-apiserver --secure-port: "6443, 7443" → "6443"'],
    ],
    ['every flag', { flags: [] }, ['kube-apiserver --secure-port: not there → "6443"']],
    [
      'the program',
      { container: { command: ['/bin/sh', '-c', 'exec kube-apiserver'] } },
      [
        'kube-apiserver command: "/bin/sh, -c, exec kube-apiserver" → "kube-apiserver"',
        'kube-apiserver --secure-port: not there → "6443"',
      ],
    ],
    ['a flag among the arguments', { container: { args: ['--a=1'] } }, ['kube-apiserver --a: "1" → gone']],
    [
      'the repository of the image',
      { image: 'mirror.test:5000/k8s/kube-apiserver:v1.36.3' },
      [
        'kube-apiserver image: "mirror.test:5000/k8s/kube-apiserver:v1.36.3" → "registry.k8s.io/kube-apiserver:v1.36.4"',
      ],
    ],
    [
      'an image that is pinned',
      { image: 'registry.k8s.io/kube-apiserver:v1.36.3@sha256:00' },
      [
        'kube-apiserver image: "registry.k8s.io/kube-apiserver:v1.36.3@sha256:00" → "registry.k8s.io/kube-apiserver:v1.36.4"',
      ],
    ],
    [
      'the environment',
      {
        container: {
          env: [
            { name: 'A', value: '1' },
            { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
          ],
        },
      },
      [
        'kube-apiserver env A: "1" → gone',
        'kube-apiserver env B: {"valueFrom":{"fieldRef":{"fieldPath":"status.hostIP"}}} → gone',
      ],
    ],
    [
      'resources and probes',
      { container: { resources: { limits: { memory: '8Gi' } }, livenessProbe: { httpGet: { port: 6443 } } } },
      [
        'kube-apiserver resources.limits.memory: "8Gi" → gone',
        'kube-apiserver livenessProbe.httpGet.port: "6443" → gone',
      ],
    ],
    [
      'volumes and where they are mounted',
      {
        container: { volumeMounts: [{ mountPath: '/a', name: 'a', readOnly: true }] },
        spec: { volumes: [{ name: 'a', hostPath: { path: '/a' } }] },
      },
      [
        'kube-apiserver volume a: {"hostPath":{"path":"/a"}} → gone',
        'kube-apiserver volumeMount /a: {"name":"a","readOnly":true} → gone',
      ],
    ],
    [
      'a container beside it, once',
      { containers: [{ name: 'kms', image: 'mirror.test/kms:1', args: ['--b=1'], env: [{ name: 'A', value: '1' }] }] },
      ['kube-apiserver container kms: "mirror.test/kms:1" → gone'],
    ],
    [
      'a container before it',
      { spec: { initContainers: [{ name: 'wait', image: 'mirror.test/wait:1' }] } },
      ['kube-apiserver initContainer wait: "mirror.test/wait:1" → gone'],
    ],
    [
      'the pod',
      {
        spec: { dnsPolicy: 'Default', hostAliases: [{ ip: '192.0.2.1' }] },
        more: { metadata: { annotations: { 'a.b/c': 'd' } } },
      },
      [
        'kube-apiserver metadata.annotations.a.b/c: "d" → gone',
        'kube-apiserver spec.dnsPolicy: "Default" → gone',
        'kube-apiserver spec.hostAliases: [{"ip":"192.0.2.1"}] → gone',
      ],
    ],
  ])('names %s with before and after', (_, edited, expected) => {
    expect(changes(manifest(edited), manifest({ image: NEXT }))).toEqual(expected);
    expect(changes(manifest({ image: NEXT }), manifest(edited))).toHaveLength(
      edited?.image?.includes('@') === true ? 0 : expected.length,
    );
  });

  it('names what changes within a container that stays', () => {
    const kms = (image: string) =>
      manifest({ containers: [{ name: 'kms', image, env: [{ name: 'A', value: image }] }] });
    expect(changes(kms('a'), kms('b'))).toEqual([
      'kube-apiserver container kms: "a" → "b"',
      'kube-apiserver container kms image: "a" → "b"',
      'kube-apiserver container kms env A: "a" → "b"',
    ]);
  });

  it('tells no secret of the environment, and still that it has changed', () => {
    const withToken = (value: string) => manifest({ container: { env: [{ name: 'VAULT_TOKEN', value }] } });
    expect(changes(withToken('a'), withToken('b'))).toEqual(['kube-apiserver env VAULT_TOKEN: "***" → "***"']);
  });

  it('cuts a long value', () => {
    const [line = ''] = changes(manifest({ flags: [`--a=${'x'.repeat(5000)}`] }), manifest({ flags: [] }));
    expect(line).toBe(`kube-apiserver --a: "${'x'.repeat(200)}…" → gone`);
  });

  it('leaves out what etcd does not look at once it has data, and nothing else of it', () => {
    const etcd = (...flags: string[]) =>
      JSON.stringify({ kind: 'Pod', spec: { containers: [{ name: 'etcd', command: ['etcd', ...flags] }] } });
    const before = etcd('--initial-cluster=cp1=a,cp2=b', '--initial-cluster-state=existing', '--quota-backend-bytes=1');
    expect(changes(before, etcd('--initial-cluster=cp2=b'), 'etcd')).toEqual([
      'etcd --quota-backend-bytes: "1" → gone',
    ]);
  });

  it.each(['', 'no', '<html></html>', 'kind: Pod', 'kind: Pod\nspec: { containers: [] }', 'a: [', '{}\n---\n{}'])(
    'takes nothing for a manifest that is none: %j',
    (text) => {
      expect(() => manifestChanges('kube-apiserver', text, manifest())).toThrow(/it is no static pod/);
      expect(() => manifestChanges('kube-apiserver', manifest(), text)).toThrow(/it is no static pod/);
    },
  );
});
