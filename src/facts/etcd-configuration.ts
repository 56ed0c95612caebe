import { z } from 'zod';

/** As much of the ClusterConfiguration as kubeadm writes etcd's manifest from. */
const EtcdConfiguration = z.object({
  apiVersion: z.string().regex(/^kubeadm\.k8s\.io\/v[0-9a-z]+$/),
  kind: z.literal('ClusterConfiguration'),
  imageRepository: z.string().nullish(),
  certificatesDir: z.string().nullish(),
  featureGates: z.record(z.string(), z.boolean()).nullish(),
  etcd: z.object({ local: z.looseObject({}).nullish(), external: z.looseObject({}).nullish() }).nullish(),
});

/**
 * For the kubeadm of `target`, as JSON in one line of ASCII; empty where etcd is external, of which there is no manifest.
 * @throws ZodError for what is no ClusterConfiguration.
 */
export function etcdConfigurationOf(clusterConfiguration: unknown, target: string): string {
  const { apiVersion, kind, ...rest } = EtcdConfiguration.parse(clusterConfiguration);
  if (rest.etcd?.external != null) return '';
  const json = JSON.stringify({ apiVersion, kind, kubernetesVersion: `v${target}`, ...rest });
  return json.replaceAll(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
