/** Tags that kubeadm of a minor carries (measured on real programs; kubeadm-facts.md A8). */
const TAGS: Readonly<Record<string, { etcd: string; coredns: string; pause: string }>> = {
  '1.34': { etcd: '3.6.5-0', coredns: 'v1.12.1', pause: '3.10.1' },
  '1.35': { etcd: '3.6.6-0', coredns: 'v1.13.1', pause: '3.10.1' },
  '1.36': { etcd: '3.6.8-0', coredns: 'v1.14.2', pause: '3.10.2' },
  '1.37': { etcd: '3.7.0-0', coredns: 'v1.14.6', pause: '3.10.2' },
};

/** Image of a component in a version of Kubernetes, as kubeadm of that version names it. */
export function kubeadmImage(component: string, version: string, registry = 'registry.k8s.io'): string {
  const tags = TAGS[version.split('.').slice(0, 2).join('.')] ?? {
    etcd: '3.7.0-0',
    coredns: 'v1.14.6',
    pause: '3.10.2',
  };
  switch (component) {
    case 'etcd':
      return `${registry}/etcd:${tags.etcd}`;
    case 'coredns':
      return `${registry}/coredns/coredns:${tags.coredns}`;
    case 'pause':
      return `${registry}/pause:${tags.pause}`;
    default:
      return `${registry}/${component}:v${version}`;
  }
}

/** In the order of `kubeadm config images list`. */
export function kubeadmImages(version: string, registry?: string): readonly string[] {
  return ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'coredns', 'pause', 'etcd'].map(
    (component) => kubeadmImage(component, version, registry),
  );
}
