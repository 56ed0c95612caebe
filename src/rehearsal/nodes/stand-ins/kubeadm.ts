import { existsSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { type ImageSources, imageSourcesOf, KUBEADM_IMAGES } from '../../../facts/image-sources.ts';
import { kubeadmImages } from '../kubeadm-images.ts';
import type { StandInCall } from '../stand-in.ts';
import { kubeadmDiff } from './kubeadm-diff.ts';
import { kubeadmEtcdManifest } from './kubeadm-etcd-manifest.ts';
import { kubeadmPlan } from './kubeadm-plan.ts';
import { type KubeadmRequest, kubeadmError, kubeadmRequest, pullImage } from './kubeadm-request.ts';
import { upgradeApply, upgradeNode } from './kubeadm-upgrade.ts';

export async function kubeadm(call: StandInCall): Promise<number> {
  const version = call.program.split('@')[1] ?? call.machine.packageVersion('kubeadm')?.split('-')[0];
  if (version === undefined) {
    call.err('kubeadm: command not found\n');
    return 127;
  }
  const request = kubeadmRequest(version, call.args);
  const [first, second, third] = request.words;
  if (first === 'version') {
    call.out(
      request.flags.get('-o') === 'short'
        ? `v${version}\n`
        : `kubeadm version: &version.Info{GitVersion:"v${version}"}\n`,
    );
    return 0;
  }
  if (first === 'config' && second === 'images') return images(call, request, third ?? '');
  if (request.words.join(' ') === 'init phase etcd local') return kubeadmEtcdManifest(call, request);
  if (first === 'upgrade' && second === 'plan') return kubeadmPlan(call, request);
  if (first === 'upgrade' && second === 'diff') return kubeadmDiff(call, request);
  if (first === 'upgrade' && second === 'apply') return upgradeApply(call, request);
  if (first === 'upgrade' && second === 'node') return upgradeNode(call, request);
  return kubeadmError(call, `unknown command "${request.words.join(' ')}" for "kubeadm"`);
}

interface WhichImages {
  readonly target: string;
  readonly sources: ImageSources;
}

/** Beside a file the flags about images count for nothing, and so does --cri-socket (seen in 1.35, 1.36 and 1.37). */
function whichImages(request: KubeadmRequest): WhichImages | string {
  const file = request.flags.get('--config');
  const imageRepository = request.flags.get('--image-repository') ?? '';
  const target = (request.flags.get('--kubernetes-version') ?? request.version).replace(/^v/, '');
  if (file === undefined) return { target, sources: { ...KUBEADM_IMAGES, imageRepository } };
  // The scripts give a path with the root of the rehearsal in front.
  if (!existsSync(file)) return `unable to read config from "${file}": open ${file}: no such file or directory`;
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map(
    (document) => document.toJS() as { apiVersion?: string; kind?: string; kubernetesVersion?: string },
  );
  const wrong = documents.find(({ apiVersion }) => !API_VERSIONS.includes(apiVersion ?? ''));
  if (wrong !== undefined) return `invalid configuration for GroupVersionKind ${wrong.apiVersion}, Kind=${wrong.kind}`;
  const cluster = documents.find(({ kind }) => kind === 'ClusterConfiguration');
  if (cluster === undefined) return { target, sources: KUBEADM_IMAGES };
  return { target: (cluster.kubernetesVersion ?? target).replace(/^v/, ''), sources: imageSourcesOf(cluster) };
}

const API_VERSIONS = ['kubeadm.k8s.io/v1beta3', 'kubeadm.k8s.io/v1beta4'];

async function images(call: StandInCall, request: KubeadmRequest, verb: string): Promise<number> {
  const which = whichImages(request);
  if (typeof which === 'string') return kubeadmError(call, which);
  const wanted = kubeadmImages(which.target, which.sources);
  if (verb === 'list') {
    call.out(`${wanted.join('\n')}\n`);
    return 0;
  }
  for (const image of wanted) {
    const failure = await pullImage(call, image);
    if (failure !== undefined) return kubeadmError(call, failure);
    call.out(`[config/images] Pulled ${image}\n`);
  }
  return 0;
}
