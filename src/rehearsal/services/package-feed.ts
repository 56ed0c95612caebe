import type { Faults } from './fault.ts';
import { type RecordedRequest, type ServiceAnswer, startFaultyHttpServer } from './faulty-http-server.ts';
import {
  debFileName,
  debOf,
  gzipIndex,
  KUBERNETES_PACKAGES,
  type PublishedPackage,
  packagesIndex,
  releaseFile,
} from './package-repository.ts';

export interface PackageFeedOptions {
  /** '1.36.3' (revision 1.1) or '1.36.3-2.1', for kubeadm, kubelet and kubectl. */
  readonly versions: readonly string[];
  /** Default amd64 and arm64. */
  readonly architectures?: readonly string[];
  /** Answer of Release.key; default a stand-in text. */
  readonly releaseKey?: string;
  readonly now?: () => Date;
}

export interface PackageFeed {
  /** What stands in a sources line before '/v1.36/deb/': as https://pkgs.k8s.io/core:/stable: */
  readonly baseUrl: string;
  /** host:port that the redirector sends clients to: goes into the allow-list. */
  readonly redirectHost: string;
  /** What the redirector was asked. */
  readonly requests: readonly RecordedRequest[];
  /** What the host behind the redirect was asked. */
  readonly downloads: readonly RecordedRequest[];
  /** Faults of the redirector, and of the host behind it. */
  readonly faults: Faults;
  readonly downloadFaults: Faults;
  /** A release appears; for some of the packages only with `packages`. */
  publish(version: string, revision?: string, packages?: readonly string[]): void;
  /** Any other package in the repository of a minor, e.g. cri-tools. */
  publishPackage(minor: string, name: string, debianVersion: string): void;
  withdraw(version: string): void;
  close(): Promise<void>;
}

const BASE = '/core:/stable:';
const BEHIND = '/repositories/isv:/kubernetes:/core:/stable:';
const REPOSITORY_PATH = /\/v(\d+\.\d+)\/deb\/(.*)$/;
const STAND_IN_KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nrehearsal\n-----END PGP PUBLIC KEY BLOCK-----\n';

/**
 * A package feed that behaves as pkgs.k8s.io: one repository per minor, a first host that only redirects (302) to a
 * second one, and 403 where there is no such minor yet (kubeadm-facts.md B1).
 */
export async function startPackageFeed(options: PackageFeedOptions): Promise<PackageFeed> {
  const now = options.now ?? (() => new Date());
  const architectures = options.architectures ?? ['amd64', 'arm64'];
  const repositories = new Map<string, PublishedPackage[]>();
  const publishPackage = (minor: string, name: string, version: string): void => {
    const packages = repositories.get(minor) ?? [];
    for (const architecture of architectures) {
      if (!packages.some((one) => one.name === name && one.version === version && one.architecture === architecture)) {
        packages.push({ name, version, architecture });
      }
    }
    repositories.set(minor, packages);
  };
  const publish = (version: string, revision = '1.1', packages: readonly string[] = KUBERNETES_PACKAGES): void => {
    const minor = version.split('.').slice(0, 2).join('.');
    if (!repositories.has(minor)) {
      publishPackage(minor, 'cri-tools', `${minor}.0-1.1`);
      publishPackage(minor, 'kubernetes-cni', '1.8.0-1.1');
    }
    for (const name of packages) publishPackage(minor, name, `${version}-${revision}`);
  };
  for (const version of options.versions) {
    const [release = version, revision] = version.split('-');
    publish(release, revision);
  }

  const behind = await startFaultyHttpServer({
    now,
    handle(request) {
      const [, minor = '', file = ''] = REPOSITORY_PATH.exec(request.path) ?? [];
      const packages = request.path.startsWith(BEHIND) ? repositories.get(minor) : undefined;
      return packages === undefined ? forbidden() : repositoryFile(minor, file, packages);
    },
  });
  const repositoryFile = (minor: string, file: string, packages: readonly PublishedPackage[]): ServiceAnswer => {
    const index = packagesIndex(packages);
    switch (file) {
      case 'Packages':
        return { status: 200, body: index };
      case 'Packages.gz':
        return { status: 200, headers: { 'content-type': 'application/gzip' }, body: gzipIndex(index) };
      case 'Release':
        return { status: 200, body: releaseFile(minor, architectures, index, now()) };
      case 'InRelease':
        return { status: 200, body: clearSigned(releaseFile(minor, architectures, index, now())) };
      case 'Release.gpg':
        return { status: 200, body: STAND_IN_SIGNATURE };
      case 'Release.key':
        return { status: 200, body: options.releaseKey ?? STAND_IN_KEY };
      default: {
        const published = packages.find((one) => debFileName(one) === file);
        return published === undefined
          ? forbidden()
          : {
              status: 200,
              headers: { 'content-type': 'application/vnd.debian.binary-package' },
              body: debOf(published),
            };
      }
    }
  };
  const front = await startFaultyHttpServer({
    now,
    handle(request) {
      const [, minor = ''] = REPOSITORY_PATH.exec(request.path) ?? [];
      if (!request.path.startsWith(`${BASE}/v`) || !repositories.has(minor)) return forbidden();
      return { status: 302, headers: { location: `${behind.url}${BEHIND}${request.path.slice(BASE.length)}` } };
    },
  });
  return {
    baseUrl: `${front.url}${BASE}`,
    redirectHost: new URL(behind.url).host,
    requests: front.requests,
    downloads: behind.requests,
    faults: front.faults,
    downloadFaults: behind.faults,
    publish,
    publishPackage,
    withdraw(version) {
      for (const [minor, packages] of repositories) {
        const left = packages.filter((one) => !one.version.startsWith(`${version}-`));
        if (left.some(({ name }) => name === 'kubeadm')) repositories.set(minor, left);
        else repositories.delete(minor);
      }
    },
    async close() {
      await Promise.all([front.close(), behind.close()]);
    },
  };
}

const STAND_IN_SIGNATURE = '-----BEGIN PGP SIGNATURE-----\n\nrehearsal\n-----END PGP SIGNATURE-----\n';

function clearSigned(text: string): string {
  return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${text}${STAND_IN_SIGNATURE}`;
}

function forbidden(): ServiceAnswer {
  return {
    status: 403,
    headers: { 'content-type': 'application/xml' },
    body: '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>\n',
  };
}
