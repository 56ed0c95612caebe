import type { StandInCall } from '../stand-in.ts';

/** What was asked of kubeadm, with both ways of writing a flag. */
export interface KubeadmRequest {
  /** Version of this very kubeadm, X.Y.Z. */
  readonly version: string;
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
  readonly ignored: ReadonlySet<string>;
}

const VALUED = new Set([
  '--ignore-preflight-errors',
  '--skip-phases',
  '--patches',
  '--kubernetes-version',
  '--image-repository',
  '--config',
  '--cri-socket',
  '--context-lines',
  '-o',
  '--output',
]);

/** The last lines of every kubeadm that fails. */
export function kubeadmError(call: StandInCall, message: string): number {
  call.err(`error: ${message}\nTo see the stack trace of this error execute with --v=5 or higher\n`);
  return 1;
}

export function kubeadmRequest(version: string, args: readonly string[]): KubeadmRequest {
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

/** Puts an image on the node; the text of containerd when no registry has it. */
export async function pullImage(call: StandInCall, image: string): Promise<string | undefined> {
  const { machine } = call;
  if (machine.images.has(image)) return undefined;
  if (machine.knobs.missingImages.has(image)) {
    const why = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
    call.err(
      `E0101 00:00:00.000000    2550 remote_image.go:250] "PullImage from image service failed" err=${JSON.stringify(why)} image="${image}"\n`,
    );
    return `failed to pull image ${image}: failed to pull image ${image}: ${why}`;
  }
  await call.sleep(machine.timing.package);
  if (!call.signal.aborted) machine.images.add(image);
  return undefined;
}
