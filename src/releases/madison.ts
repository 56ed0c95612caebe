import { NightliftError } from '../errors.ts';
import { describeBody } from '../http/describe-body.ts';
import { minorOf } from '../version.ts';
import { completeVersions, type PackageStanza } from './packages.ts';

/** '   kubeadm | 1.36.4-1.1 | https://pkgs.k8s.io/core:/stable:/v1.36/deb  Packages' */
const LINE = /^\s*(\S+)\s*\|\s*(\S+)\s*\|\s*(\S.*)$/;

/**
 * Versions of a minor that apt on a node can install, ascending: what `apt-cache madison kubeadm kubelet kubectl` says.
 * An answer without any is an error, for apt knows at least what the node runs. @throws NightliftError (node).
 */
export function parseMadison(output: string, minor: string): string[] {
  const stanzas: PackageStanza[] = [];
  for (const line of output.split('\n')) {
    if (line.trim() === '') continue;
    const [, name = '', version = '', origin = ''] = LINE.exec(line) ?? [];
    if (name === '') throw unusable(`it has a line that is none of a package: ${describeBody(line)}`);
    if (!origin.endsWith(' Sources')) stanzas.push({ name, version, architecture: 'all' });
  }
  if (stanzas.length === 0) throw unusable('it is empty');
  const versions = completeVersions(stanzas, ['all'], 'apt-cache madison').filter(
    (version) => minorOf(version) === minor,
  );
  if (versions.length > 0) return versions;
  throw unusable(`it has no version of ${minor} for which kubeadm, kubelet and kubectl are all there`);
}

function unusable(problem: string): NightliftError {
  return new NightliftError('node', `reading the answer of apt-cache madison: ${problem}`, {
    remedy: 'On that node, check the Kubernetes source in /etc/apt/sources.list.d, then run apt-get update.',
  });
}
