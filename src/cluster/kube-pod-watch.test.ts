import { Agent } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import {
  type FaultyHttpServer,
  type ServiceAnswer,
  startFaultyHttpServer,
} from '../rehearsal/services/faulty-http-server.ts';
import type { PodWatch } from './cluster.ts';
import { createKubeClient } from './kube-client.ts';
import { watchPods } from './kube-pod-watch.ts';

const pod = (name: string) => ({
  metadata: { name, namespace: 'apps', uid: `uid-${name}` },
  spec: { nodeName: 'w1', containers: [{ image: 'app' }] },
});
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

let server: FaultyHttpServer;
let there: string[];
let lists: number;
let watched: ServiceAnswer;
let watch: PodWatch;

beforeEach(async () => {
  there = ['a', 'b'];
  lists = 0;
  server = await startFaultyHttpServer({
    handle({ query }) {
      if (query.get('watch') === 'true') return watched;
      lists += 1;
      return {
        status: 200,
        body: JSON.stringify({
          kind: 'PodList',
          apiVersion: 'v1',
          metadata: { resourceVersion: '7' },
          items: there.map(pod),
        }),
      };
    },
  });
  const client = createKubeClient({
    credentials: { server: server.url, authorize: () => Promise.resolve({ agent: new Agent(), headers: {} }) },
    clock: systemClock(),
    userAgent: 'test',
    patienceMs: 0,
  });
  watch = watchPods(client, 'w1', new AbortController().signal);
});

afterEach(async () => {
  watch.close();
  await server.close();
});

const names = async (): Promise<string[]> => (await watch.pods()).map(({ name }) => name);
/** The end of a watch is told to nobody: after it the pods are listed again. */
const untilNames = (expected: string[]) => expect.poll(names, { timeout: 5000 }).toEqual(expected);

it.each<[string, ServiceAnswer]>([
  ['is refused', { status: 403, body: '{"kind":"Status","code":403,"reason":"Forbidden"}' }],
  ['fails', { status: 500, body: 'oops' }],
  ['ends at once', { status: 200, body: '' }],
  ['begins too late', { status: 200, body: line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }) }],
  ['speaks no JSON', { status: 200, body: '<html></html>\n' }],
  ['tells of what is no pod', { status: 200, body: line('ADDED', { metadata: {} }) }],
  ['has an event that nobody knows', { status: 200, body: line('MELTED', pod('c')) }],
  ['breaks off in a line', { status: 200, body: line('DELETED', pod('a')).slice(0, 30) }],
])('lists at each look when the watch %s', async (_title, answer) => {
  watched = answer;
  expect(await names()).toEqual(['a', 'b']);
  there = ['b'];
  await untilNames(['b']);
  expect(lists).toBe(2);
});

it('takes what the watch tells, and lists again after its end', async () => {
  watched = {
    status: 200,
    body: `${line('DELETED', pod('a'))}${line('ADDED', pod('c'))}${line('MODIFIED', pod('b'))}`,
  };
  await names();
  await watch.changed();
  there = ['x'];
  await untilNames(['x']);
  expect(lists).toBe(2);
});
