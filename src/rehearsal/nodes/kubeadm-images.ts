import { type ImageSources, KUBEADM_IMAGES } from '../../facts/image-sources.ts';

/** Tags that kubeadm of a minor carries (measured on real programs; kubeadm-facts.md A8). */
const TAGS: Readonly<Record<string, { etcd: string; coredns: string; pause: string }>> = {
  '1.34': { etcd: '3.6.5-0', coredns: 'v1.12.1', pause: '3.10.1' },
  '1.35': { etcd: '3.6.6-0', coredns: 'v1.13.1', pause: '3.10.1' },
  '1.36': { etcd: '3.6.8-0', coredns: 'v1.14.2', pause: '3.10.2' },
  '1.37': { etcd: '3.7.0-0', coredns: 'v1.14.6', pause: '3.10.2' },
};

const KUBEADMS_OWN = 'registry.k8s.io';

/** Image of a component in a version of Kubernetes, as kubeadm of that version names it. */
export function kubeadmImage(component: string, version: string, registry = KUBEADMS_OWN): string {
  const tags = TAGS[version.split('.').slice(0, 2).join('.')] ?? {
    etcd: '3.7.0-0',
    coredns: 'v1.14.6',
    pause: '3.10.2',
  };
  switch (component) {
    case 'etcd':
      return `${registry}/etcd:${tags.etcd}`;
    case 'coredns':
      // Only kubeadm's own registry has it one level deeper.
      return `${registry}${registry === KUBEADMS_OWN ? '/coredns' : ''}/coredns:${tags.coredns}`;
    case 'pause':
      return `${registry}/pause:${tags.pause}`;
    default:
      return `${registry}/${component}:v${version}`;
  }
}

const IN_ORDER = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'coredns',
  'pause',
  'etcd',
];
/** As a configuration calls them. */
const CALLED: Readonly<Record<string, string>> = { coredns: 'dns', 'kube-proxy': 'proxy', etcd: 'etcd' };

/** In the order of `kubeadm config images list`, which is that of every kubeadm from 1.35 to 1.37. */
export function kubeadmImages(version: string, sources: ImageSources = KUBEADM_IMAGES): readonly string[] {
  const { withoutImages, imageRepository, dnsRepository, dnsTag, etcdRepository, etcdTag } = sources;
  const absent: readonly string[] = withoutImages;
  return IN_ORDER.filter((component) => !absent.includes(CALLED[component] ?? '')).map((component) => {
    const [repository, tag] =
      component === 'coredns' ? [dnsRepository, dnsTag] : component === 'etcd' ? [etcdRepository, etcdTag] : ['', ''];
    const image = kubeadmImage(component, version, repository || imageRepository || KUBEADMS_OWN);
    return tag === '' ? image : image.replace(/:[^:/]*$/, `:${tag}`);
  });
}
