import { NightliftError } from '../errors.ts';
import type { ReleaseFact } from '../facts/facts.ts';
import { describeBody } from '../http/describe-body.ts';
import { type FetchText, type FetchTextOptions, fetchText, type TextAnswer } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';
import { minorOf, previousMinor } from '../version.ts';
import { completeVersions, parsePackages } from './packages.ts';
import type { ReleaseFeed } from './release-feed.ts';

export interface PackagesFeedOptions {
  /** What comes before '/v1.36/deb/': https://pkgs.k8s.io/core:/stable: */
  readonly baseUrl: string;
  /** host or host:port that it may redirect to. */
  readonly allowedHosts: readonly string[];
  readonly userAgent: string;
  /** How it is reached; default: directly. */
  readonly fetch?: FetchText;
  readonly deadlineMs?: number;
  /** user:password, for the host of `baseUrl` only. */
  readonly credentials?: string;
}

/** A Release file lists the sums of the indices (Debian's repository format). */
const RELEASE_FILE = /^(MD5Sum|SHA1|SHA256|SHA512):[ \t]*$/m;

/** pkgs.k8s.io or a mirror of it, over HTTP. */
export function createPackagesFeed(options: PackagesFeedOptions): ReleaseFeed {
  const { fetch = fetchText } = options;
  const base = withCredentials(options.baseUrl, options.credentials).replace(/\/+$/, '');
  const ask = (url: string, method: 'GET' | 'HEAD', signal: AbortSignal): Promise<TextAnswer> => {
    const common: FetchTextOptions = {
      signal,
      method,
      allowedHosts: options.allowedHosts,
      headers: { 'user-agent': options.userAgent },
      ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    };
    return fetch(url, common);
  };
  /** That a minor is not there counts only from a feed: a proxy or a wrong address says no to everything. */
  const proveFeed = async (minor: string, refusal: TextAnswer, signal: AbortSignal): Promise<void> => {
    const before = `${base}/v${previousMinor(minor)}/deb/Release`;
    const release = await ask(before, 'GET', signal);
    if (release.status === 200 && RELEASE_FILE.test(release.body)) return;
    const refused = `fetching ${redactUrl(`${base}/v${minor}/deb/Release`)}: HTTP ${refusal.status}`;
    const other = `${redactUrl(before)}, which has to be there: HTTP ${release.status} with ${describeBody(release.body)}`;
    throw new NightliftError('network', `${refused}, which is no "not yet", as little is ${other}`, {
      remedy:
        'Check packages.baseUrl, and that no proxy answers for it: it has to have the minor that the cluster runs. Until then nothing newer is offered.',
    });
  };
  return {
    async minor(minor, architectures, signal): Promise<ReleaseFact | null> {
      const repository = `${base}/v${minor}/deb`;
      let release = await ask(`${repository}/Release`, 'HEAD', signal);
      // Some mirrors answer GET only.
      if (release.status === 405 || release.status === 501) release = await ask(`${repository}/Release`, 'GET', signal);
      // pkgs.k8s.io says 403 where others say 404: there is no such minor yet (kubeadm-facts B1).
      if (release.status === 403 || release.status === 404) {
        await proveFeed(minor, release, signal);
        return null;
      }
      if (release.status !== 200) throw unexpected(repository, 'Release', release);
      const packages = await ask(`${repository}/Packages`, 'GET', signal);
      if (packages.status !== 200) throw unexpected(repository, 'Packages', packages);
      const source = redactUrl(`${repository}/Packages`);
      const versions = completeVersions(parsePackages(packages.body, source), architectures, source);
      const foreign = versions.find((version) => minorOf(version) !== minor);
      if (foreign !== undefined) {
        throw new NightliftError('network', `reading the packages of ${source}: it offers ${foreign} under v${minor}`, {
          remedy: 'Check the package source: this repository should hold one minor only.',
        });
      }
      return { minor, source: redactUrl(repository), versions };
    },
  };
}

function unexpected(repository: string, file: string, answer: TextAnswer): NightliftError {
  const body = answer.body === '' ? '' : ` with ${describeBody(answer.body)}`;
  return new NightliftError('network', `fetching ${redactUrl(`${repository}/${file}`)}: HTTP ${answer.status}${body}`, {
    remedy: 'Check the package source; until it answers, nothing newer is offered.',
  });
}

/** @throws NightliftError (config) for what is no user and password. */
function withCredentials(baseUrl: string, credentials: string | undefined): string {
  if (credentials === undefined) return baseUrl;
  const [, user, password] = /^([^:\r\n]+):([^\r\n]+)\s*$/.exec(credentials) ?? [];
  if (user === undefined || password === undefined)
    throw new NightliftError('config', 'reading packages.credentialsFile: it is not one line of user:password', {
      remedy: 'Write user:password into key mirror_credentials of Secret k8s-upgrade-creds, or take the key away.',
    });
  const url = new URL(baseUrl);
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  return url.href;
}
