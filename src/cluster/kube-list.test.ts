import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import type { Cluster } from './cluster.ts';
import { createKubeClient } from './kube-client.ts';
import { createKubeCluster } from './kube-cluster.ts';

const { signal } = new AbortController();
let close: (() => void) | undefined;

afterEach(() => close?.());

/** What an API server answers to the list of nodes; it has no pods. */
async function clusterOf(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Cluster> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/v1/nodes') === true) return answer(request, response);
    return response.end(JSON.stringify({ ...PODS, items: [] }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createKubeClient({
    credentials: { server: url, authorize: async () => ({ agent: undefined as unknown as Agent, headers: {} }) },
    clock: systemClock(),
    userAgent: 'nightlift/test',
    patienceMs: 0,
  });
  return createKubeCluster({ client, clock: systemClock(), namespace: 'own', annotationPrefix: 'nightlift' });
}

const PODS = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '7' } };
const NODES = { kind: 'NodeList', apiVersion: 'v1', metadata: { resourceVersion: '7' } };
const node = (name: string, padding = '') => ({
  metadata: { name, annotations: { padding } },
  status: { nodeInfo: { kubeletVersion: 'v1.36.3' } },
});
const list = (count: number): string =>
  JSON.stringify({ ...NODES, items: Array.from({ length: count }, (_, index) => node(`w${index}`, 'x'.repeat(900))) });

describe('a list of the API server', () => {
  it('is asked for compressed, and read so', async () => {
    const cluster = await clusterOf((request, response) => {
      expect(request.headers['accept-encoding']).toBe('gzip');
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(list(400)));
    });
    expect(await cluster.nodes(signal)).toHaveLength(400);
  });

  it.each([
    ['compressed', true],
    ['plain', false],
  ])('that breaks off is none, %s', async (_, compressed) => {
    const cluster = await clusterOf((_request, response) => {
      const whole = compressed ? gzipSync(list(400)) : Buffer.from(list(400));
      if (compressed) response.setHeader('content-encoding', 'gzip');
      response.writeHead(200).write(whole.subarray(0, whole.length / 2), () => response.destroy());
    });
    await expect(cluster.nodes(signal)).rejects.toThrow('listing the nodes');
  });

  it('that was cut short and ended properly is none either', async () => {
    const cluster = await clusterOf((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(list(400).slice(0, -40)));
    });
    await expect(cluster.nodes(signal)).rejects.toThrow('where JSON was expected');
  });

  it.each([
    [
      'a table where a list was asked for',
      'nodes',
      { kind: 'Table', apiVersion: 'meta.k8s.io/v1' },
      'it is Table of meta.k8s.io/v1',
    ],
    ['a list of something else', 'nodes', { kind: 'PodList', apiVersion: 'v1' }, 'it is PodList of v1'],
    ['a list of something else for a table', 'outlines', { kind: 'PodList', apiVersion: 'v1' }, 'it is PodList of v1'],
  ] as const)('is not %s', async (_, call, head, why) => {
    const cluster = await clusterOf((_request, response) =>
      response.end(JSON.stringify({ ...head, metadata: { resourceVersion: '7' }, items: [node('w1')], rows: [] })),
    );
    await expect(cluster[call](signal)).rejects.toThrow(why);
  });

  it('whose table lacks a column says so', async () => {
    const head = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: '7' } };
    const rows = [{ cells: ['w1', 'Ready'], object: { metadata: { name: 'w1' } } }];
    const columnDefinitions = [{ name: 'Name' }, { name: 'Status' }];
    const cluster = await clusterOf((_, response) =>
      response.end(JSON.stringify({ ...head, columnDefinitions, rows })),
    );
    await expect(cluster.outlines(signal)).rejects.toThrow('lacks one of the columns');
  });

  it('is taken instead of a table from a server that knows none', async () => {
    const cluster = await clusterOf((_, response) => response.end(list(3)));
    expect((await cluster.outlines(signal)).map(({ name, kubelet }) => `${name} ${kubelet}`)).toEqual([
      'w0 1.36.3',
      'w1 1.36.3',
      'w2 1.36.3',
    ]);
  });
});
