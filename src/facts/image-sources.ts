import { z } from 'zod';

/** Where the images of the control plane come from, by the cluster's own ClusterConfiguration; empty leaves the choice to kubeadm. */
export interface ImageSources {
  readonly imageRepository: string;
  readonly dnsRepository: string;
  readonly dnsTag: string;
  readonly etcdRepository: string;
  readonly etcdTag: string;
  /** What the cluster does not have from kubeadm, of which there are no images to fetch. */
  readonly withoutImages: readonly NotKubeadms[];
}

type NotKubeadms = 'dns' | 'proxy' | 'etcd';

export const KUBEADM_IMAGES: ImageSources = {
  imageRepository: '',
  dnsRepository: '',
  dnsTag: '',
  etcdRepository: '',
  etcdTag: '',
  withoutImages: [],
};

/** As regular expressions of JavaScript and of POSIX alike: a node holds them against what it is given. */
export const IMAGE_REPOSITORY = '^(\\[[0-9A-Fa-f:.]{2,45}\\](:[0-9]{1,5})?/)?([A-Za-z0-9][A-Za-z0-9._/:-]{0,250})?$';
export const IMAGE_TAG = '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$';

const text = (pattern: string) =>
  z
    .string()
    .regex(new RegExp(pattern))
    .nullish()
    .transform((value) => value ?? '');
const Place = z.object({ imageRepository: text(IMAGE_REPOSITORY), imageTag: text(IMAGE_TAG) });
const disabled = { disabled: z.boolean().nullish() };

const ClusterConfiguration = z.object({
  kind: z.literal('ClusterConfiguration'),
  imageRepository: text(IMAGE_REPOSITORY),
  dns: Place.extend(disabled).nullish(),
  proxy: z.object(disabled).nullish(),
  etcd: z.object({ local: Place.nullish(), external: z.looseObject({}).nullish() }).nullish(),
});

/** @throws ZodError for what is no ClusterConfiguration, or names what cannot be a repository or a tag. */
export function imageSourcesOf(clusterConfiguration: unknown): ImageSources {
  const { imageRepository, dns, proxy, etcd } = ClusterConfiguration.parse(clusterConfiguration);
  const absent: readonly (readonly [NotKubeadms, boolean])[] = [
    ['dns', dns?.disabled === true],
    ['proxy', proxy?.disabled === true],
    // Both in one are an error of kubeadm's.
    ['etcd', etcd?.external != null],
  ];
  return {
    imageRepository,
    dnsRepository: dns?.imageRepository ?? '',
    dnsTag: dns?.imageTag ?? '',
    etcdRepository: etcd?.local?.imageRepository ?? '',
    etcdTag: etcd?.local?.imageTag ?? '',
    withoutImages: absent.filter(([, isAbsent]) => isAbsent).map(([name]) => name),
  };
}
