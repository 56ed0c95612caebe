import { kubeadmImages } from '../kubeadm-images.ts';
import type { StandInCall } from '../stand-in.ts';
import { kubeadmDiff } from './kubeadm-diff.ts';
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
  if (first === 'upgrade' && second === 'plan') return kubeadmPlan(call, request);
  if (first === 'upgrade' && second === 'diff') return kubeadmDiff(call, request);
  if (first === 'upgrade' && second === 'apply') return upgradeApply(call, request);
  if (first === 'upgrade' && second === 'node') return upgradeNode(call, request);
  return kubeadmError(call, `unknown command "${request.words.join(' ')}" for "kubeadm"`);
}

async function images(call: StandInCall, request: KubeadmRequest, verb: string): Promise<number> {
  const target = (request.flags.get('--kubernetes-version') ?? request.version).replace(/^v/, '');
  const wanted = kubeadmImages(target, request.flags.get('--image-repository'));
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
