import { TARGET } from './clusters.ts';

type Flags = readonly string[];

/** Manifest of a component, as far as a comparison looks at it. */
export function exampleManifest(component: string, flags: Flags, version: string): string {
  const words = [component, ...flags].map((word) => `    - '${word}'`);
  return [
    'kind: Pod',
    'spec:',
    '  containers:',
    `  - name: ${component}`,
    `    image: registry.k8s.io/${component}:v${version}`,
    '    command:',
    ...words,
    '',
  ].join('\n');
}

/** What diff.sh says of etcd on a node whose manifest has these flags, before and after. */
export function exampleEtcdDiff(before: Flags, after: Flags, target = TARGET): string {
  const [old, fresh] = [exampleManifest('etcd', before, '1.36.3'), exampleManifest('etcd', after, target)].map((text) =>
    Buffer.from(text).toString('base64'),
  );
  return `nightlift-etcd\t${old} ${fresh}\n`;
}

/** What diff.sh answers on a node whose manifests have these flags, before and after: only images change where none are given. */
export function exampleDiff(
  flags: Readonly<Record<string, readonly [before: Flags, after: Flags]>> = {},
  target = TARGET,
): string {
  const files = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((component) => {
    const [before, after] = flags[component] ?? [[], []];
    const [old, fresh] = [
      exampleManifest(component, before, '1.36.3').split('\n'),
      exampleManifest(component, after, target).split('\n'),
    ];
    const lines = [...old.map((line) => `-${line}`), ...fresh.map((line) => `+${line}`)];
    return `--- /etc/kubernetes/manifests/${component}.yaml\n+++ new manifest\n@@ -1,${old.length} +1,${fresh.length} @@\n${lines.join('\n')}\n`;
  });
  return `[upgrade/diff] Reading configuration\n${files.join('')}`;
}
