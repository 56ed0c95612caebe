import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../rehearsal/services/fault.ts';
import { type PackageFeed, startPackageFeed } from '../rehearsal/services/package-feed.ts';
import { createPackagesFeed } from './packages-feed.ts';
import type { ReleaseFeed } from './release-feed.ts';

const signal = new AbortController().signal;

describe('the package feed over HTTP', () => {
  let repository: PackageFeed;
  const feed = (): ReleaseFeed =>
    createPackagesFeed({
      baseUrl: repository.baseUrl,
      allowedHosts: [repository.redirectHost],
      userAgent: 'nightlift/test',
      deadlineMs: 10_000,
    });

  beforeEach(async () => {
    repository = await startPackageFeed({ versions: ['1.36.3', '1.36.4-2.1'] });
  });
  afterEach(() => repository.close());

  it('I14 follows the redirects of both requests', async () => {
    expect(await feed().minor('1.36', ['amd64'], signal)).toEqual({
      minor: '1.36',
      source: `${repository.baseUrl}/v1.36/deb`,
      versions: ['1.36.3', '1.36.4'],
    });
    expect(repository.requests.map(({ method, target }) => `${method} ${target.split('/').at(-1)}`)).toEqual([
      'HEAD Release',
      'GET Packages',
    ]);
    expect(repository.downloads).toHaveLength(2);
  });

  it('gives its credentials to its own host alone, and says them nowhere', async () => {
    const given = (credentials: string): ReleaseFeed =>
      createPackagesFeed({
        baseUrl: repository.baseUrl,
        allowedHosts: [repository.redirectHost],
        userAgent: 'x',
        credentials,
      });
    const found = await given('ci:a/b@c\n').minor('1.36', ['amd64'], signal);
    expect(found?.source).toBe(repository.baseUrl.replace('://', '://***@') + '/v1.36/deb');
    const basic = `Basic ${Buffer.from('ci:a/b@c').toString('base64')}`;
    expect(repository.requests.map(({ authorization }) => authorization)).toEqual([basic, basic]);
    expect(repository.downloads.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    for (const wrong of ['', 'only-a-user', ':x', 'a:', 'a:b\nc:d'])
      expect(() => given(wrong)).toThrow(/packages.credentialsFile: it is not one line of user:password/);
  });

  it('I14 refuses to follow them to any other host', async () => {
    const strict = createPackagesFeed({
      baseUrl: repository.baseUrl,
      allowedHosts: [],
      userAgent: 'x',
    });
    await expect(strict.minor('1.36', ['amd64'], signal)).rejects.toThrow(`redirects to ${repository.redirectHost}`);
  });

  it.each([403, 404])(
    'says that a minor does not exist yet when its Release answers %d, and that of the minor before is there',
    async (status) => {
      repository.publish('1.37.0');
      repository.downloadFaults.inject({ kind: 'status', status }, { path: /v1\.37\/deb\/Release$/ });
      expect(await feed().minor('1.37', ['amd64'], signal)).toBeNull();
    },
  );

  it.each([
    ['says no to everything, as a proxy does', { kind: 'status', status: 403, body: '<html>blocked</html>' }],
    ['knows no such path, as a wrong address', { kind: 'status', status: 404 }],
    ['answers the minor before with a page', { kind: 'garbage' }],
    ['answers the minor before with nothing', { kind: 'empty' }],
  ] as const)('D02 does not say "none" when it %s', async (_name, fault) => {
    repository.faults.inject(fault, { path: /v1\.36/ });
    const error: unknown = await feed()
      .minor('1.37', ['amd64'], signal)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      kind: 'network',
      message: expect.stringMatching(
        /v1\.37\/deb\/Release: HTTP 403, .*v1\.36\/deb\/Release.*: HTTP \d+ with/,
      ) as string,
      remedy: expect.stringContaining('packages.baseUrl') as string,
    });
  });

  it('D04 is not misled by the higher versions of other packages', async () => {
    repository.publishPackage('1.36', 'cri-tools', '1.99.0-1.1');
    repository.publish('1.36.5', '1.1', ['kubeadm']);
    expect((await feed().minor('1.36', ['amd64'], signal))?.versions).toEqual(['1.36.3', '1.36.4']);
  });

  it('offers nothing for an architecture that is not published', async () => {
    expect((await feed().minor('1.36', ['amd64', 's390x'], signal))?.versions).toEqual([]);
  });

  it('tries GET where a mirror does not answer HEAD', async () => {
    repository.faults.inject({ kind: 'status', status: 405 }, { method: 'HEAD' });
    expect((await feed().minor('1.36', ['amd64'], signal))?.versions).toHaveLength(2);
  });

  const faults: readonly (readonly [string, Fault, RegExp])[] = [
    ['refuses', { kind: 'refuse' }, /fetching .*: /],
    ['hangs', { kind: 'hang' }, /no answer within/],
    ['fails', { kind: 'status', status: 500, body: 'oops' }, /HTTP 500/],
    ['is empty', { kind: 'empty' }, /an empty body/],
    ['is a page for people', { kind: 'garbage' }, /HTML/],
    ['breaks off', { kind: 'truncated' }, /fetching .*: /],
    ['redirects in a ring', { kind: 'redirect-ring' }, /ring/],
    ['redirects to a foreign host', { kind: 'redirect-foreign' }, /not on the list/],
  ];
  it.each(faults)('D02 never says "none" when the Packages file %s', async (_name, fault, message) => {
    repository.downloadFaults.inject(fault, { path: /Packages$/ });
    const quick = createPackagesFeed({
      baseUrl: repository.baseUrl,
      allowedHosts: [repository.redirectHost],
      userAgent: 'x',
      deadlineMs: 2000,
    });
    await expect(quick.minor('1.36', ['amd64'], signal)).rejects.toThrow(message);
  });

  it('D02 never says "none" when its Release cannot be asked', async () => {
    repository.faults.inject({ kind: 'status', status: 503 });
    await expect(feed().minor('1.37', ['amd64'], signal)).rejects.toThrow(/Release: HTTP 503/);
  });
});
