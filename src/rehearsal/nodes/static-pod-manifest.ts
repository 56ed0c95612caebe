import { kubeadmImage } from './kubeadm-images.ts';

/** In the order in which kubeadm upgrades them. */
export const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** A static pod manifest as kubeadm writes it, as far as anybody looks at it. */
export function manifestOf(
  component: string,
  version: string,
  address: string,
  extraFlags: readonly string[] = [],
): string {
  const flags: Readonly<Record<string, readonly string[]>> = {
    etcd: [
      `--advertise-client-urls=https://${address}:2379`,
      '--cert-file=/etc/kubernetes/pki/etcd/server.crt',
      '--data-dir=/var/lib/etcd',
      '--key-file=/etc/kubernetes/pki/etcd/server.key',
      `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
      '--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt',
    ],
    'kube-apiserver': [
      `--advertise-address=${address}`,
      '--authorization-mode=Node,RBAC',
      '--etcd-servers=https://127.0.0.1:2379',
      '--secure-port=6443',
    ],
    'kube-controller-manager': [
      '--kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--use-service-account-credentials=true',
    ],
    'kube-scheduler': ['--kubeconfig=/etc/kubernetes/scheduler.conf', '--leader-elect=true'],
  };
  return [
    'apiVersion: v1',
    'kind: Pod',
    'metadata:',
    '  labels:',
    `    component: ${component}`,
    '    tier: control-plane',
    `  name: ${component}`,
    '  namespace: kube-system',
    'spec:',
    '  containers:',
    '  - command:',
    `    - ${component}`,
    ...[...(flags[component] ?? []), ...extraFlags].map((flag) => `    - ${flag}`),
    `    image: ${kubeadmImage(component, version)}`,
    '    imagePullPolicy: IfNotPresent',
    `    name: ${component}`,
    '  hostNetwork: true',
    '  priorityClassName: system-node-critical',
    'status: {}',
    '',
  ].join('\n');
}

export function imageInManifest(manifest: string): string {
  return /^\s*image: "?([^"\s]+)"?$/m.exec(manifest)?.[1] ?? '';
}
