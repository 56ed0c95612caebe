import { afterEach, describe, expect, it } from 'vitest';
import { type PackageFeed, startPackageFeed } from './package-feed.ts';

describe('the package feed of the rehearsal', () => {
  const open: PackageFeed[] = [];
  const start = async (...versions: string[]): Promise<PackageFeed> => {
    const feed = await startPackageFeed({ versions });
    open.push(feed);
    return feed;
  };
  afterEach(async () => {
    for (const feed of open.splice(0)) await feed.close();
  });

  it('I14 answers 302 to another host for a known minor and 403 for an unknown one', async () => {
    const feed = await start('1.36.3');
    const known = await fetch(`${feed.baseUrl}/v1.36/deb/Release`, { method: 'HEAD', redirect: 'manual' });
    expect(known.status).toBe(302);
    expect(new URL(known.headers.get('location') ?? '').host).toBe(feed.redirectHost);
    expect((await fetch(`${feed.baseUrl}/v1.37/deb/Release`, { redirect: 'manual' })).status).toBe(403);
  });

  it('serves every file that a sources line needs, and each package that the index names', async () => {
    const feed = await start('1.36.3', '1.36.4-2.1');
    const at = (file: string) => fetch(`${feed.baseUrl}/v1.36/deb/${file}`);
    const index = await (await at('Packages')).text();
    expect(index).toContain('Package: kubeadm\nVersion: 1.36.4-2.1\nArchitecture: amd64\n');
    for (const [, file] of index.matchAll(/^Filename: (.*)$/gm)) expect((await at(file!)).status).toBe(200);
    expect(await (await at('amd64/kubelet_1.36.3-1.1_amd64.deb')).text()).toBe('package=kubelet\nversion=1.36.3-1.1\n');
    expect(await (await at('Release')).text()).toContain('Label: isv:kubernetes:core:stable:v1.36');
    for (const file of ['InRelease', 'Release.gpg', 'Release.key', 'Packages.gz']) {
      expect((await at(file)).status).toBe(200);
    }
  });

  it('shows a release only once it is published, and no more once it is withdrawn', async () => {
    const feed = await start('1.36.3');
    const status = async () => (await fetch(`${feed.baseUrl}/v1.37/deb/Release`)).status;
    expect(await status()).toBe(403);
    feed.publish('1.37.0');
    expect(await status()).toBe(200);
    feed.withdraw('1.37.0');
    expect(await status()).toBe(403);
  });

  it('can be made to fail in each way, and keeps a record of what it was asked', async () => {
    const feed = await start('1.36.3');
    const url = `${feed.baseUrl}/v1.36/deb/Release`;
    feed.faults.inject({ kind: 'status', status: 500 }, { times: 1 });
    expect((await fetch(url)).status).toBe(500);
    feed.downloadFaults.inject({ kind: 'garbage' }, { times: 1 });
    expect(await (await fetch(url)).text()).toContain('<html>');
    feed.downloadFaults.inject({ kind: 'empty' }, { times: 1 });
    expect(await (await fetch(url)).text()).toBe('');
    feed.faults.inject({ kind: 'refuse' }, { times: 1 });
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    feed.downloadFaults.inject({ kind: 'truncated' }, { times: 1 });
    await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow('terminated');
    feed.faults.inject({ kind: 'hang' }, { times: 1 });
    await expect(fetch(url, { signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout');
    feed.faults.inject({ kind: 'redirect-ring' }, { times: 1 });
    await expect(fetch(url)).rejects.toMatchObject({ cause: { message: 'redirect count exceeded' } });
    expect(feed.requests.map(({ outcome }) => outcome).slice(0, 2)).toEqual(['status', 'answered']);
    expect((await fetch(url)).status).toBe(200);
  });
});
