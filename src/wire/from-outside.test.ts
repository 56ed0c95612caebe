import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../cluster/kube-client.ts';
import { ClusterError } from '../cluster/kube-error.ts';
import { NotFromHere } from '../errors.ts';
import { fetchFromOutside } from './from-outside.ts';

const { signal } = new AbortController();
const server = createServer((_, response) => response.end('direct'));
let base = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

/** An API server that says one thing to everything; what it was asked is kept. */
function api(says: string | { readonly status: number }) {
  const asked: { path: string; query: unknown }[] = [];
  const client: Pick<KubeClient, 'answer'> = {
    answer: async ({ path, query, doing }, expected) => {
      asked.push({ path, query });
      const answer = {
        status: 200,
        body: typeof says === 'string' ? says : '',
        contentType: 'text/plain',
        retryAfterMs: undefined,
        date: undefined,
      };
      if (typeof says === 'string' && expected(answer)) return answer;
      const status = typeof says === 'string' ? 503 : says.status;
      throw new ClusterError(`${doing}: the API server answered ${status}`, { status, reason: '' });
    },
  };
  return { asked, fetch: fetchFromOutside(client) };
}

describe('an address as it is reached from outside the cluster', () => {
  it('is that of the Service in the API, whose answer is the Service’s', async () => {
    const { asked, fetch } = api('from the Service');
    const address = 'http://prometheus.monitoring.svc:9090/api/v1/query?query=up';
    expect(await fetch(address, { signal })).toMatchObject({ status: 200, body: 'from the Service' });
    expect(asked).toEqual([
      {
        path: '/api/v1/namespaces/monitoring/services/http%3Aprometheus%3A9090/proxy/api/v1/query',
        query: { query: 'up' },
      },
    ]);
  });

  it('is itself when it is none of a Service', async () => {
    const { asked, fetch } = api('from the Service');
    expect(await fetch(`${base}/x`, { signal })).toMatchObject({ body: 'direct' });
    expect(asked).toEqual([]);
  });

  it.each([
    ['http://prometheus.monitoring.svc', { status: 403 }, /not reachable from here: .* answered 403/],
    ['http://prometheus.monitoring.svc', { status: 404 }, /not reachable from here: .* answered 404/],
    ['http://prometheus.monitoring', { status: 503 }, /not reachable from here: .* answered 503/],
    // Its own word, that it did not come to the Service, under whatever status.
    ['http://prometheus.monitoring.svc', '{"kind":"Status","status":"Failure"}', /not reachable from here/],
    ['http://user:secret@prometheus.monitoring.svc', 'x', /not reachable from here: .*without a password/],
  ] as const)('%s is not reachable when the API server says %j', async (address, says, why) => {
    const { fetch } = api(says);
    const error: unknown = await fetch(address, { signal }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NotFromHere);
    expect(error).toMatchObject({ kind: 'config', message: expect.stringMatching(why) });
    expect(String(error)).not.toContain('secret');
  });

  it('is not written to from here', async () => {
    const { asked, fetch } = api('x');
    await expect(fetch('http://p.m.svc', { signal, method: 'POST' })).rejects.toBeInstanceOf(NotFromHere);
    expect(asked).toEqual([]);
  });

  it.each([403, 404])('of two parts may be one of the internet, which is asked after a %i', async (status) => {
    const { asked, fetch } = api({ status });
    await expect(fetch('http://prometheus.invalid', { signal })).rejects.toThrow(/prometheus\.invalid.*not reachable/s);
    expect(asked).toHaveLength(1);
  });

  it('is what the error says, where somebody has answered', async () => {
    const { fetch } = api('x');
    await expect(fetch('ftp://127.0.0.1', { signal })).rejects.not.toBeInstanceOf(NotFromHere);
    await expect(fetch('http://127.0.0.1:1', { signal })).rejects.toBeInstanceOf(NotFromHere);
  });
});
