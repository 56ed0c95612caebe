import { NightliftError } from '../errors.ts';
import { describeBody } from '../http/describe-body.ts';
import { compareVersions, parseDebianVersion, prereleaseOf } from '../version.ts';

/** What is installed on a node, always in the same version. */
export const NODE_PACKAGES = ['kubeadm', 'kubelet', 'kubectl'] as const;

export interface PackageStanza {
  readonly name: string;
  /** Debian version, '1.36.2-2.1'. */
  readonly version: string;
  readonly architecture: string;
}

/** 'Package: kubeadm'; a value may be empty, and may go on in lines that start with a space. */
const FIELD = /^([A-Za-z0-9][A-Za-z0-9-]*):(?:[ \t]+(.*))?$/;

/**
 * A Packages file of a Debian repository (deb822). Anything that is none is an error: read as "no packages" it would
 * mean "no upgrade needed" (I14). @throws NightliftError (network) that says where the file stops being one.
 */
export function parsePackages(text: string, source: string): PackageStanza[] {
  if (text.trim() === '' || text.trimStart().startsWith('<')) throw malformed(source, `it holds ${describeBody(text)}`);
  const stanzas: PackageStanza[] = [];
  let fields = new Map<string, string>();
  const finish = (line: number): void => {
    if (fields.size > 0) stanzas.push(stanzaOf(fields, source, line));
    fields = new Map();
  };
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') {
      finish(index);
      continue;
    }
    if (/^[ \t]/.test(line) && fields.size > 0) continue;
    const [, key, value = ''] = FIELD.exec(line) ?? [];
    if (key === undefined) throw malformed(source, `line ${index + 1} is no field of a package: ${describeBody(line)}`);
    if (fields.has(key)) throw malformed(source, `line ${index + 1} has ${key} a second time in one stanza`);
    fields.set(key, value.trim());
  }
  finish(lines.length);
  return stanzas;
}

function stanzaOf(fields: ReadonlyMap<string, string>, source: string, line: number): PackageStanza {
  const [name = '', version = '', architecture = ''] = ['Package', 'Version', 'Architecture'].map((key) =>
    fields.get(key),
  );
  if (name !== '' && version !== '' && architecture !== '') return { name, version, architecture };
  throw malformed(source, `the stanza before line ${line + 1} has not all of Package, Version and Architecture`);
}

/**
 * X.Y.Z, ascending, for which kubeadm, kubelet and kubectl are all there for every one of the architectures (D04).
 * Other packages of the repository have versions of their own and do not count; neither do prereleases.
 */
export function completeVersions(
  stanzas: readonly PackageStanza[],
  architectures: readonly string[],
  source: string,
): string[] {
  const found = new Map<string, Set<string>>();
  for (const { name, version, architecture } of stanzas) {
    if (!NODE_PACKAGES.some((wanted) => wanted === name) || prereleaseOf(version.replace(/^[\d.]+/, '')) !== '')
      continue;
    const parsed = parseDebianVersion(version);
    if (parsed === undefined)
      throw malformed(source, `${name} has the version "${version}", which is no X.Y.Z with a revision`);
    const have = found.get(parsed.version) ?? new Set();
    // 'all' is Debian's word for a package that fits every architecture.
    for (const fits of architecture === 'all' ? architectures : [architecture]) have.add(`${name} ${fits}`);
    found.set(parsed.version, have);
  }
  if (![...found.values()].some((have) => [...have].some((one) => one.startsWith('kubeadm ')))) {
    throw malformed(source, 'it has no released kubeadm in it');
  }
  const needed = NODE_PACKAGES.flatMap((name) => architectures.map((architecture) => `${name} ${architecture}`));
  return [...found]
    .filter(([, have]) => needed.every((one) => have.has(one)))
    .map(([version]) => version)
    .toSorted(compareVersions);
}

function malformed(source: string, problem: string): NightliftError {
  return new NightliftError('network', `reading the packages of ${source}: ${problem}`, {
    remedy: 'Check that the address is a Kubernetes package repository and that no proxy answers in its place.',
  });
}
