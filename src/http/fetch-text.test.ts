import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCertificateAuthority } from '../rehearsal/api/certificate.ts';
import {
  type FaultyHttpServer,
  type ServiceAnswer,
  type ServiceRequest,
  startFaultyHttpServer,
} from '../rehearsal/services/faulty-http-server.ts';
import { type FetchTextOptions, fetchText, type TextAnswer } from './fetch-text.ts';

const signal = new AbortController().signal;

describe('fetching a text', () => {
  let server: FaultyHttpServer;
  let other: FaultyHttpServer;
  let handle: (request: ServiceRequest) => ServiceAnswer;
  const seen: ServiceRequest[] = [];
  const redirect = (location: string): ServiceAnswer => ({ status: 302, headers: { location } });
  const get = (path: string, options: Partial<FetchTextOptions> = {}): Promise<TextAnswer> =>
    fetchText(`${server.url}${path}`, { signal, ...options });

  beforeEach(async () => {
    seen.length = 0;
    handle = () => ({ status: 200, body: 'hello' });
    server = await startFaultyHttpServer({
      handle(request) {
        seen.push(request);
        return handle(request);
      },
    });
    other = await startFaultyHttpServer({
      handle(request) {
        seen.push(request);
        return { status: 200, body: 'from the other host' };
      },
    });
  });
  afterEach(async () => {
    await server.close();
    await other.close();
  });

  it('gives any answer with its status', async () => {
    expect(await get('/a')).toMatchObject({ status: 200, body: 'hello', url: `${server.url}/a` });
    handle = () => ({ status: 404, body: 'no' });
    expect(await get('/a')).toMatchObject({ status: 404, body: 'no' });
  });

  it('I14 follows a redirect to an allowed host, for GET and for HEAD', async () => {
    handle = ({ path }) => redirect(`${other.url}${path}`);
    const allowedHosts = [new URL(other.url).host];
    expect((await get('/a', { allowedHosts })).body).toBe('from the other host');
    expect((await get('/a', { allowedHosts, method: 'HEAD' })).status).toBe(200);
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'HEAD', 'HEAD']);
  });

  it('follows relative redirects on its own host without being told', async () => {
    handle = ({ path }) => (path === '/a/b' ? redirect('../c') : { status: 200, body: path });
    expect((await get('/a/b')).body).toBe('/c');
  });

  it('refuses a redirect to a host that nobody allowed, and names it', async () => {
    server.faults.inject({ kind: 'redirect-foreign' });
    const call = get('/a', { allowedHosts: ['packages.example'] });
    await expect(call).rejects.toMatchObject({
      kind: 'network',
      message: `fetching ${server.url}/a: it redirects to packages.invalid, which is not on the list of allowed hosts`,
      remedy: expect.stringContaining('allowed redirect hosts') as string,
    });
    expect(other.requests).toEqual([]);
  });

  it('refuses a redirect from https down to http, even to an allowed host', async () => {
    const authority = createCertificateAuthority('test');
    const { certificatePem, privateKeyPem } = authority.issue({ commonName: 'server' });
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, authority.certificatePem]);
    const secure = createServer({ cert: certificatePem, key: privateKeyPem }, (_request, response) => {
      response.writeHead(302, { location: `${other.url}/a` }).end();
    });
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    try {
      const address = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/a`;
      const call = fetchText(address, { signal, allowedHosts: [new URL(other.url).host] });
      await expect(call).rejects.toThrow(/redirects from https down to http:/);
      expect(other.requests).toEqual([]);
    } finally {
      setDefaultCACertificates(before);
      secure.closeAllConnections();
      secure.close();
    }
  });

  it('finds a ring of redirects', async () => {
    server.faults.inject({ kind: 'redirect-ring' });
    await expect(get('/a')).rejects.toThrow(/the redirects lead in a ring back to/);
  });

  it('gives up after five redirects', async () => {
    let hop = 0;
    handle = () => redirect(`/${(hop += 1)}`);
    await expect(get('/a')).rejects.toThrow(/more than 5 redirects/);
    expect(server.requests).toHaveLength(6);
  });

  it('does not send on what was sent, and wants a place to go to', async () => {
    handle = () => redirect('/b');
    await expect(get('/a', { method: 'POST', body: 'x' })).rejects.toThrow(/what is sent is not sent on/);
    handle = () => ({ status: 302 });
    await expect(get('/a')).rejects.toThrow(/HTTP 302 without a Location/);
    handle = () => redirect('file:///etc/passwd');
    await expect(get('/a')).rejects.toThrow(/no http or https address/);
  });

  it('keeps credentials for the host that they were written for, and out of every message', async () => {
    handle = ({ path }) => redirect(`${other.url}${path}`);
    const address = `${server.url.replace('//', '//user:p%40ss@')}/a?token=secret`;
    await fetchText(address, { signal, allowedHosts: [new URL(other.url).host], headers: { 'x-key': 'k' } });
    const sent = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect(seen.map(({ headers }) => [headers.authorization, headers['x-key']])).toEqual([
      [sent, 'k'],
      [undefined, undefined],
    ]);
    server.faults.inject({ kind: 'refuse' });
    const error: unknown = await fetchText(address, { signal }).catch((reason: unknown) => reason);
    expect(String(error)).toContain('//***@');
    expect(String(error)).not.toMatch(/p@ss|p%40ss|secret/);
  });

  it('ends at its deadline, at its size, and when its caller gives up', async () => {
    server.faults.inject({ kind: 'hang' }, { times: 2 });
    await expect(get('/a', { deadlineMs: 60 })).rejects.toThrow(/no answer within 0.06 s/);
    const caller = new AbortController();
    setTimeout(() => caller.abort(new Error('stopped')), 20);
    await expect(get('/a', { signal: caller.signal })).rejects.toThrow('stopped');
    handle = () => ({ status: 200, body: 'x'.repeat(5000) });
    await expect(get('/a', { maxBytes: 1000 })).rejects.toThrow(/larger than 1000 bytes/);
  });

  it('says that an answer broke off or never came', async () => {
    server.faults.inject({ kind: 'truncated' }, { times: 1 });
    await expect(get('/a')).rejects.toMatchObject({ kind: 'network' });
    await server.close();
    await expect(get('/a')).rejects.toThrow(/ECONNREFUSED/);
  });

  it.each(['pkgs.k8s.io/core', 'ftp://host/x', ''])('tells that %j is no address', async (address) => {
    await expect(fetchText(address, { signal })).rejects.toMatchObject({ kind: 'config' });
  });
});
