import type { StandInCall } from '../stand-in.ts';
import { kubeadmImages } from '../kubeadm-images.ts';
import { kubeadmDiff } from './kubeadm-diff.ts';
import { kubeadmPlan } from './kubeadm-plan.ts';
import { upgradeApply, upgradeNode } from './kubeadm-upgrade.ts';

/** What was asked of kubeadm, with both ways of writing a flag. */
export interface KubeadmRequest {
  /** Version of this very kubeadm, X.Y.Z. */
  readonly version: string;
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
  readonly ignored: ReadonlySet<string>;
}

const VALUED = new Set(['--ignore-preflight-errors', '--skip-phases', '--kubernetes-version', '--image-repository', '-o', '--output']);

export async function kubeadm(call: StandInCall): Promise<number> {
  const version = call.program.split('@')[1] ?? call.machine.packageVersion('kubeadm')?.split('-')[0];
  if (version === undefined) {
    call.err('kubeadm: command not found\n');
    return 127;
  }
  const request = parse(version, call.args);
  const [first, second, third] = request.words;
  if (first === 'version') {
    call.out(request.flags.get('-o') === 'short' ? `v${version}\n` : `kubeadm version: &version.Info{GitVersion:"v${version}"}\n`);
    return 0;
  }
  if (first === 'config' && second === 'images') return images(call, request, third ?? '');
  if (first === 'upgrade' && second === 'plan') return kubeadmPlan(call, request);
  if (first === 'upgrade' && second === 'diff') return kubeadmDiff(call, request);
  if (first === 'upgrade' && second === 'apply') return upgradeApply(call, request);
  if (first === 'upgrade' && second === 'node') return upgradeNode(call, request);
  return kubeadmError(call, `unknown command "${request.words.join(' ')}" for "kubeadm"`);
}

/** The last lines of every kubeadm that fails. */
export function kubeadmError(call: StandInCall, message: string): number {
  call.err(`error: ${message}\nTo see the stack trace of this error execute with --v=5 or higher\n`);
  return 1;
}

function parse(version: string, args: readonly string[]): KubeadmRequest {
  const flags = new Map<string, string>();
  const words: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    const at = word.indexOf('=');
    if (!word.startsWith('-')) words.push(word);
    else if (at > 0) flags.set(word.slice(0, at), word.slice(at + 1));
    else if (VALUED.has(word)) flags.set(word, args[(index += 1)] ?? '');
    else flags.set(word, 'true');
  }
  const ignored = new Set((flags.get('--ignore-preflight-errors') ?? '').split(',').map((one) => one.toLowerCase()));
  return { version, words, flags, ignored };
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

/** Puts an image on the node; the text of containerd when no registry has it. */
export async function pullImage(call: StandInCall, image: string): Promise<string | undefined> {
  const { machine } = call;
  if (machine.images.has(image)) return undefined;
  if (machine.knobs.missingImages.has(image)) {
    const why = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
    call.err(`E0101 00:00:00.000000    2550 remote_image.go:250] "PullImage from image service failed" err=${JSON.stringify(why)} image="${image}"\n`);
    return `failed to pull image ${image}: failed to pull image ${image}: ${why}`;
  }
  await call.sleep(machine.timing.package);
  if (!call.signal.aborted) machine.images.add(image);
  return undefined;
}
