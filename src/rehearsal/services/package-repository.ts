import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** The packages that the Kubernetes project publishes side by side in the repository of a minor. */
export const KUBERNETES_PACKAGES = ['kubeadm', 'kubectl', 'kubelet'] as const;

export interface PublishedPackage {
  readonly name: string;
  /** Debian version, '1.36.4-1.1'. */
  readonly version: string;
  readonly architecture: string;
}

/** The text that stands in for a package: all that the apt stand-in of a rehearsal node needs to install it. */
export function debOf(published: PublishedPackage): string {
  return `package=${published.name}\nversion=${published.version}\n`;
}

export function debFileName({ name, version, architecture }: PublishedPackage): string {
  return `${architecture}/${name}_${version}_${architecture}.deb`;
}

/** An index as OBS writes it: architectures and versions interleaved, one stanza per package. */
export function packagesIndex(packages: readonly PublishedPackage[]): string {
  return packages
    .map((published) => {
      const deb = debOf(published);
      return [
        `Package: ${published.name}`,
        `Version: ${published.version}`,
        `Architecture: ${published.architecture}`,
        'Maintainer: Kubernetes Authors <dev@kubernetes.io>',
        'Installed-Size: 47088',
        ...(published.name === 'kubelet' ? ['Depends: kubernetes-cni (>= 1.2.0)'] : []),
        `Filename: ${debFileName(published)}`,
        `Size: ${Buffer.byteLength(deb)}`,
        `MD5sum: ${hash('md5', deb)}`,
        `SHA1: ${hash('sha1', deb)}`,
        `SHA256: ${hash('sha256', deb)}`,
        'Section: admin',
        'Priority: optional',
        'Homepage: https://kubernetes.io',
        `Description: ${published.name} of the rehearsal`,
        '',
      ].join('\n');
    })
    .join('\n');
}

/** The Release file over the index, in the form of a flat OBS repository. */
export function releaseFile(minor: string, architectures: readonly string[], index: string, date: Date): string {
  const files: readonly (readonly [string, string | Uint8Array])[] = [
    ['Packages', index],
    ['Packages.gz', gzipIndex(index)],
  ];
  const sums = (title: string, algorithm: string): string[] => [
    `${title}:`,
    ...files.map(([name, content]) => ` ${hash(algorithm, content)} ${Buffer.byteLength(content)} ${name}`),
  ];
  return [
    `Origin: obs://build.opensuse.org/isv:kubernetes:core:stable:v${minor}/deb`,
    `Label: isv:kubernetes:core:stable:v${minor}`,
    `Architectures: ${architectures.join(' ')}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Description: Kubernetes v${minor} (rehearsal)`,
    ...sums('MD5Sum', 'md5'),
    ...sums('SHA1', 'sha1'),
    ...sums('SHA256', 'sha256'),
    '',
  ].join('\n');
}

export function gzipIndex(index: string): Uint8Array {
  return gzipSync(index);
}

function hash(algorithm: string, content: string | Uint8Array): string {
  return createHash(algorithm).update(content).digest('hex');
}
