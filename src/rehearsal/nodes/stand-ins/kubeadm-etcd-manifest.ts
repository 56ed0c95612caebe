import { existsSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { StandInCall } from '../stand-in.ts';
import { manifestOf } from '../static-pod-manifest.ts';
import { type KubeadmRequest, kubeadmError } from './kubeadm-request.ts';

const Configuration = z.looseObject({
  kind: z.string(),
  kubernetesVersion: z.string().optional(),
  localAPIEndpoint: z.object({ advertiseAddress: z.string() }).optional(),
  etcd: z
    .looseObject({
      local: z
        .looseObject({
          dataDir: z.string().optional(),
          extraArgs: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
        })
        .optional(),
    })
    .optional(),
});

/** `kubeadm init phase etcd local --dry-run --config FILE`, as far as the flags of etcd. */
export function kubeadmEtcdManifest(call: StandInCall, { flags, version }: KubeadmRequest): number {
  const file = flags.get('--config') ?? '';
  if (flags.get('--dry-run') !== 'true') return kubeadmError(call, 'a rehearsal has no init but a dry one');
  if (!existsSync(file)) return kubeadmError(call, `unable to read config from "${file}"`);
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((one) => Configuration.parse(one.toJS()));
  const of = (kind: string) => documents.find((one) => one.kind === kind);
  const [init, cluster] = [of('InitConfiguration'), of('ClusterConfiguration')];
  if (init?.localAPIEndpoint === undefined || cluster === undefined)
    return kubeadmError(call, 'the configuration has no address or no cluster');
  const { dataDir = '/var/lib/etcd', extraArgs = [] } = cluster.etcd?.local ?? {};
  const manifest = manifestOf(
    'etcd',
    (cluster.kubernetesVersion ?? version).replace(/^v/, ''),
    init.localAPIEndpoint.advertiseAddress,
    extraArgs.map(({ name, value }) => `--${name}=${value}`),
  );
  call.out(`[etcd] Would ensure that "${dataDir}" directory is present\n`);
  call.out('[dryrun] Would write file "/etc/kubernetes/manifests/etcd.yaml" with content:\n');
  call.out(manifest.replace('--data-dir=/var/lib/etcd', `--data-dir=${dataDir}`));
  return 0;
}
