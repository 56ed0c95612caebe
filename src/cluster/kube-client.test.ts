import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { createCertificateAuthority } from '../rehearsal/api/certificate.ts';
import {
  type FaultyHttpServer,
  type ServiceAnswer,
  type ServiceRequest,
  startFaultyHttpServer,
} from '../rehearsal/services/faulty-http-server.ts';
import { apiPath, createKubeClient, type KubeClient, type KubeClientOptions } from './kube-client.ts';
import { ClusterError, isUnavailable } from './kube-error.ts';
import { kubeconfigCredentials } from './kubeconfig.ts';

const NEVER = new AbortController().signal;
const Thing = z.object({ metadata: z.object({ name: z.string() }) });
const IT = JSON.stringify({ kind: 'Thing', apiVersion: 'v1', metadata: { name: 'it' } });

/** Sleeps take no real time; the clock moves by them. */
function jumpingClock(): Clock & { readonly slept: number[] } {
  let time = Date.UTC(2026, 10, 20);
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(time),
    monotonic: () => time,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      time += ms;
    },
  };
}

describe('the client of the API server', () => {
  let server: FaultyHttpServer;
  let folder: string;
  let handle: (request: ServiceRequest) => ServiceAnswer | Promise<ServiceAnswer>;
  let seen: ServiceRequest[];
  const clock = jumpingClock();

  const connect = async (options: Partial<KubeClientOptions> = {}): Promise<KubeClient> => {
    const file = join(folder, 'kubeconfig');
    writeFileSync(
      file,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'u', user: { token: 'secret-token' } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    );
    const credentials = kubeconfigCredentials({ file });
    return createKubeClient({ credentials, clock, userAgent: 'nightlift/test', patienceMs: 0, ...options });
  };
  const failure = async (call: Promise<unknown>): Promise<ClusterError> => {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ClusterError);
    return error as ClusterError;
  };
  const thing = (client: KubeClient) =>
    client.object({ doing: 'reading the thing', path: '/api/v1/things/it' }, Thing, NEVER);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kube-client-'));
    seen = [];
    clock.slept.length = 0;
    handle = () => ({ status: 200, body: IT });
    server = await startFaultyHttpServer({
      handle(request) {
        seen.push(request);
        return handle(request);
      },
    });
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('says who it is, proves it, and counts what it asks', async () => {
    const client = await connect();
    await thing(client);
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer secret-token', 'user-agent': 'nightlift/test' });
    expect(client.requests()).toBe(1);
  });

  it.each([
    ['merge', 'application/merge-patch+json'],
    ['strategic', 'application/strategic-merge-patch+json'],
    ['json', 'application/json-patch+json'],
  ] as const)('sends a %s patch under its own content type', async (patch, type) => {
    const client = await connect();
    await client.object({ doing: 'patching', method: 'PATCH', path: '/x', patch, body: {} }, z.unknown(), NEVER);
    expect(seen[0]?.headers['content-type']).toBe(type);
  });

  it('reads a list page by page, 500 at a time, and once more from the start when its place has expired', async () => {
    const client = await connect();
    let expired = false;
    handle = ({ query }) => {
      const at = query.get('continue');
      if (at === 'two' && !expired) {
        expired = true;
        return { status: 410, body: JSON.stringify({ kind: 'Status', reason: 'Expired', message: 'too old' }) };
      }
      const name = at ?? 'one';
      const metadata = { resourceVersion: '7', ...(at === null ? { continue: 'two' } : {}) };
      const list = { kind: 'ThingList', apiVersion: 'v1', metadata, items: [{ metadata: { name } }] };
      return { status: 200, body: JSON.stringify(list) };
    };
    const list = await client.list(
      { doing: 'listing', path: '/api/v1/things', query: { labelSelector: 'a=b' } },
      Thing,
      NEVER,
    );
    expect(list.map(({ metadata }) => metadata.name)).toEqual(['one', 'two']);
    expect(seen.map(({ query }) => [query.get('limit'), query.get('continue'), query.get('labelSelector')])).toEqual([
      ['500', null, 'a=b'],
      ['500', 'two', 'a=b'],
      ['500', null, 'a=b'],
      ['500', 'two', 'a=b'],
    ]);
  });

  it.each([
    ['refuse', { kind: 'refuse' }],
    ['503', { kind: 'status', status: 503 }],
    ['429', { kind: 'status', status: 429 }],
    ['502 with a page', { kind: 'status', status: 502, body: '<html>Bad Gateway</html>' }],
    ['a broken-off answer', { kind: 'truncated' }],
    ['500 of etcd', { kind: 'status', status: 500, body: '{"kind":"Status","message":"etcdserver: leader changed"}' }],
  ] as const)('waits out an API server that is away (%s)', async (_name, fault) => {
    const client = await connect({ patienceMs: 600_000 });
    server.faults.inject(fault, { times: 7 });
    expect((await thing(client)).metadata.name).toBe('it');
    expect(client.requests()).toBe(8);
    expect(clock.slept).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
    expect(client.awayMs()).toBe(17_750);
    await thing(client);
    expect(client.awayMs()).toBe(17_750);
  });

  it('counts as away what a question hangs before it fails, as without a quorum of etcd, but nothing before an answer', async () => {
    const client = await connect({ patienceMs: 600_000 });
    const hangs = async (ms: number): Promise<ServiceAnswer> => {
      await clock.sleep(ms);
      return { status: 504 };
    };
    let times = 0;
    handle = () => (times++ < 2 ? hangs(7000) : { status: 200, body: IT });
    await thing(client);
    expect(client.awayMs()).toBe(7000 + 250 + 7000 + 500);
    // Another question has its answer meanwhile.
    times = 0;
    handle = async () => {
      if (times++ > 0) return { status: 200, body: IT };
      await clock.sleep(5000);
      await thing(client);
      return hangs(2000);
    };
    await thing(client);
    expect(client.awayMs()).toBe(14_750 + 2000 + 250);
  });

  it('counts a question that was given up as away when the next one has no answer either', async () => {
    const client = await connect({ patienceMs: 600_000 });
    const givenUp = async (): Promise<void> => {
      const stop = new AbortController();
      handle = async () => {
        await clock.sleep(6000);
        stop.abort();
        return { status: 200, body: IT };
      };
      const asked = client.object({ doing: 'reading the thing', path: '/api/v1/things/it' }, Thing, stop.signal);
      await expect(asked).rejects.toThrow(/abort/);
      handle = () => ({ status: 200, body: IT });
    };
    await givenUp();
    await thing(client);
    expect(client.awayMs()).toBe(0);
    await givenUp();
    server.faults.inject({ kind: 'refuse' }, { times: 1 });
    await thing(client);
    expect(client.awayMs()).toBe(6000 + 250);
  });

  it('asks once, within a time of its own, what is not to be waited for', async () => {
    const client = await connect({ patienceMs: 600_000 });
    const once = { doing: 'looking', path: '/api/v1/things/it', onceWithinMs: 50 };
    server.faults.inject({ kind: 'hang' }, { times: 1 });
    const error = await failure(client.object(once, Thing, NEVER));
    expect(error).toMatchObject({ unavailable: true });
    expect(error.message).toBe(`looking: no answer from ${server.url} within 0.05 s`);
    expect(client.requests()).toBe(1);
    await clock.sleep(3000);
    await client.object(once, Thing, NEVER);
    expect(client.awayMs()).toBe(3000);
  });

  it('believes a denial when it has lasted, where a new API server may deny everything for seconds', async () => {
    const denied = { kind: 'status', status: 403 } as const;
    const slept = (): number => clock.slept.reduce((sum, ms) => sum + ms, 0);
    const client = await connect({ patienceMs: 600_000, doubtMs: 30_000 });
    await thing(client);
    await clock.sleep(3_600_000);
    server.faults.inject(denied, { times: 3 });
    expect((await thing(client)).metadata.name).toBe('it');
    server.faults.inject(denied);
    clock.slept.length = 0;
    expect((await failure(thing(client))).status).toBe(403);
    expect(slept()).toBeGreaterThan(25_000);
    expect(slept()).toBeLessThan(40_000);
    // The next one need not wait for what is known by now.
    clock.slept.length = 0;
    expect((await failure(thing(client))).status).toBe(403);
    expect(slept()).toBe(0);
    server.faults.clear();
    await thing(client);
    server.faults.inject(denied, { times: 1 });
    await thing(client);
    // As the kill switch, which mostly is not there.
    server.faults.inject(denied, { times: 1 });
    handle = () => ({
      status: 404,
      body: JSON.stringify({
        kind: 'Status',
        status: 'Failure',
        code: 404,
        reason: 'NotFound',
        details: { name: 'it', kind: 'things' },
      }),
    });
    expect((await failure(thing(client))).status).toBe(404);
    handle = () => ({ status: 200, body: IT });
    await clock.sleep(60_000);
    server.faults.inject(denied, { times: 1 });
    await thing(client);
    server.faults.inject(denied, { times: 1 });
    expect((await failure(thing(await connect({ patienceMs: 600_000 })))).status).toBe(403);
  });

  it('believes the certificate of somebody else no sooner: it may come from a network without an API server in it', async () => {
    const authority = createCertificateAuthority('the cluster');
    const { certificatePem: cert, privateKeyPem: key } = authority.issue({ commonName: 'kube-apiserver' });
    const tls = createServer({ cert, key }, (_request, response) => response.end(IT));
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    const { port } = tls.address() as AddressInfo;
    const ours = new Agent({ ca: authority.certificatePem });
    const others = new Agent({ ca: createCertificateAuthority('somebody else').certificatePem });
    let strangers = 3;
    const credentials = {
      server: `https://127.0.0.1:${port}`,
      authorize: () => Promise.resolve({ agent: strangers-- > 0 ? others : ours, headers: {} }),
    };
    const options = { credentials, clock, userAgent: 'nightlift/test', patienceMs: 600_000 };
    const client = createKubeClient({ ...options, doubtMs: 30_000 });
    expect((await thing(client)).metadata.name).toBe('it');
    strangers = Number.POSITIVE_INFINITY;
    clock.slept.length = 0;
    expect((await failure(thing(client))).reason).toBe('Certificate');
    expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(25_000);
    clock.slept.length = 0;
    expect((await failure(thing(createKubeClient(options)))).reason).toBe('Certificate');
    expect(clock.slept).toEqual([]);
    tls.close();
  });

  it('says of a denial that may pass that it is worth another try, when its patience ends first', async () => {
    const client = await connect({ patienceMs: 2_000 });
    server.faults.inject({ kind: 'refuse' });
    expect(isUnavailable(await failure(thing(client)))).toBe(true);
    server.faults.clear();
    server.faults.inject({ kind: 'status', status: 403 });
    const error = await failure(thing(client));
    expect([error.status, isUnavailable(error)]).toEqual([403, true]);
    expect(error.message).toMatch(/still so after \d+ s of trying/);
    await clock.sleep(60_000);
    expect(isUnavailable(await failure(thing(client)))).toBe(false);
  });

  it('says that it waits, soon and then once a minute', async () => {
    const said: number[] = [];
    const client = await connect({
      patienceMs: 600_000,
      onWaiting: (failure, waitedMs) => {
        expect(failure.message).toContain('reading the thing');
        said.push(waitedMs);
      },
    });
    server.faults.inject({ kind: 'refuse' }, { times: 20 });
    await thing(client);
    expect(said).toEqual([3_750, 67_750]);
  });

  it('keeps to Retry-After', async () => {
    const client = await connect({ patienceMs: 600_000 });
    server.faults.inject({ kind: 'status', status: 429, headers: { 'retry-after': '7' } }, { times: 1 });
    await thing(client);
    expect(clock.slept).toEqual([7000]);
  });

  it('gives up at the end of its patience and says how long it tried', async () => {
    const client = await connect({ patienceMs: 20_000 });
    server.faults.inject({ kind: 'status', status: 503, body: 'shutting down' });
    const error = await failure(thing(client));
    expect(isUnavailable(error)).toBe(true);
    expect(error.message).toMatch(
      /^reading the thing: the API server answered 503: .*shutting down.*after 18 s of trying/,
    );
  });

  it('does not wait when it was given no patience', async () => {
    server.faults.inject({ kind: 'refuse' });
    const error = await failure(thing(await connect()));
    expect([error.reason, error.unavailable, error.exitCode]).toEqual(['Unreachable', true, 3]);
    expect(clock.slept).toEqual([]);
  });

  it('ends a request that is never answered', async () => {
    server.faults.inject({ kind: 'hang' });
    const error = await failure(thing(await connect({ deadlineMs: 60 })));
    expect(error.message).toBe(`reading the thing: no answer from ${server.url} within 0.06 s`);
    expect(isUnavailable(error)).toBe(true);
  });

  it("ends with the caller's own reason when the caller gives up", async () => {
    server.faults.inject({ kind: 'hang' });
    const client = await connect();
    const caller = new AbortController();
    const call = client.object({ doing: 'reading', path: '/x' }, Thing, caller.signal);
    setTimeout(() => caller.abort(new Error('the night is over')), 30);
    await expect(call).rejects.toThrow('the night is over');
  });

  it('believes a 403 at once, but not from a server that has just come back', async () => {
    const denied = { kind: 'status', status: 403, body: '{"kind":"Status","message":"nodes is forbidden"}' } as const;
    server.faults.inject(denied);
    const client = await connect({ patienceMs: 600_000 });
    const error = await failure(thing(client));
    expect([error.status, error.unavailable]).toEqual([403, false]);
    expect(error.message).toContain('403: nodes is forbidden');
    expect(error.remedy).toContain('Grant');
    server.faults.clear();
    server.faults.inject(denied, { times: 2 });
    server.faults.inject({ kind: 'refuse' }, { times: 1 });
    expect((await thing(client)).metadata.name).toBe('it');
  });

  it.each([
    ['garbage', 'a page of HTML or XML, "<!DOCTYPE html>'],
    ['empty', 'an empty body'],
  ] as const)('tells a %s answer from an object', async (kind, text) => {
    server.faults.inject({ kind });
    const error = await failure(thing(await connect({ patienceMs: 600_000 })));
    expect([error.reason, error.unavailable]).toEqual(['NotKubernetes', false]);
    expect(error.message).toContain(text);
  });

  it('names the field of an answer that has not the expected form', async () => {
    handle = () => ({ status: 200, body: '{"kind":"Thing","apiVersion":"v1","metadata":{"name":"it"},"spec":7}' });
    const Spec = z.object({ spec: z.string() });
    const client = await connect();
    const error = await failure(client.object({ doing: 'reading', path: '/api/v1/things/it' }, Spec, NEVER));
    expect(error.message).toContain('spec: ');
  });

  it('never shows a header or a token in its errors', async () => {
    server.faults.inject({ kind: 'status', status: 400, headers: { 'x-secret': 'header-value' }, body: 'bad' });
    const error = await failure(thing(await connect()));
    expect(`${error.message} ${error.remedy} ${error.stack}`).not.toMatch(/header-value|secret-token/);
  });

  it('encodes names so that none can change a path', () => {
    expect(apiPath`/api/v1/nodes/${'../secrets?x=1'}`).toBe('/api/v1/nodes/..%2Fsecrets%3Fx%3D1');
  });
});
