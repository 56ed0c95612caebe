import { createServer } from 'node:http';
import type { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { createKubeClient } from './kube-client.ts';
import { createKubeCluster } from './kube-cluster.ts';

const { signal } = new AbortController();
let close: (() => void) | undefined;

afterEach(() => close?.());

interface Shown {
  readonly name: string;
  readonly node?: string;
  readonly ready?: string;
  readonly status?: string;
  readonly gates?: string;
  readonly job?: boolean;
  /** By its condition; default: as its line shows it. */
  readonly isReady?: boolean;
}

const COLUMNS = ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates'];
const table = (columns: readonly string[], rows: readonly (readonly unknown[])[]): object => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: { resourceVersion: '7' },
  columnDefinitions: columns.map((name) => ({ name })),
  rows: rows.map((cells) => ({ cells, object: null })),
});
const line = ({ name, node = 'w1', ready = '1/1', status = 'Running', gates = '<none>' }: Shown): unknown[] => [
  name,
  ready,
  status,
  0,
  '5m',
  '10.0.0.1',
  node,
  '<none>',
  gates,
];
const pod = ({ name, node = 'w1', job = false, ready = '1/1', isReady = ready === '1/1' }: Shown): object => ({
  metadata: { name, namespace: 'apps', uid: name, labels: job ? { 'job-name': 'once' } : {} },
  spec: { ...(node === '<none>' ? {} : { nodeName: node }), containers: [] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
});

/** An API server that has these pods; `later` are those that it has after its first table of pods. */
async function clusterWith(pods: readonly Shown[], { lost = [] as readonly string[], later = pods } = {}) {
  const asked: string[] = [];
  let now = pods;
  const answerTo = (url: URL, wantsTable: boolean): object => {
    if (url.pathname === '/api/v1/nodes') {
      const names = [...new Set(pods.map(({ node = 'w1' }) => node))];
      return table(
        ['Name', 'Status'],
        names.map((name) => [name, lost.includes(name) ? 'NotReady' : 'Ready,SchedulingDisabled']),
      );
    }
    const fields = url.searchParams.get('fieldSelector') ?? '';
    const labels = url.searchParams.get('labelSelector');
    const on = /spec\.nodeName=([^,]*)/.exec(fields)?.[1];
    const some = now
      .filter(({ job = false }) => labels === null || job === (labels === 'job-name'))
      .filter(({ node = 'w1' }) => on === undefined || node === (on === '' ? '<none>' : on));
    asked.push(wantsTable ? 'lines' : labels === 'job-name' ? 'jobs' : on === undefined ? 'all' : `on ${on}`);
    if (!fields.startsWith('status.phase!=Succeeded,status.phase!=Failed'))
      throw new Error(`asked for ended pods: ${fields}`);
    if (!wantsTable)
      return { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '7' }, items: some.map(pod) };
    now = later;
    return table(COLUMNS, some.map(line));
  };
  const server = createServer((request, response) => {
    const wantsTable = (request.headers.accept ?? '').includes('as=Table');
    response.end(JSON.stringify(answerTo(new URL(request.url ?? '', 'http://x'), wantsTable)));
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
  const cluster = createKubeCluster({ client, clock: systemClock(), namespace: 'own', annotationPrefix: 'nightlift' });
  const look = async () => {
    const { ready, state } = await cluster.readiness(
      {},
      (): string[] => [],
      (seen, one) => void seen.push(`${one.name} ${one.ready ? 'ready' : 'not'}`),
      signal,
    );
    return { ready, seen: state.toSorted() };
  };
  return { asked, look };
}

const many = (count: number): Shown[] =>
  Array.from({ length: count }, (_, index) => ({ name: `p${index}`, node: `w${index % 50}` }));

describe('the readiness of the pods', () => {
  it.each([50, 5000])('is read from a line of each, and from none of %d pods that are well', async (count) => {
    const { asked, look } = await clusterWith(many(count));
    expect(await look()).toEqual({ ready: count, seen: [] });
    expect(asked).toEqual(['lines', 'jobs']);
  });

  it.each<[string, Shown]>([
    ['not ready', { name: 'x', node: 'x1', ready: '0/1' }],
    ['ready in part', { name: 'x', node: 'x1', ready: '1/2' }],
    ['of no container', { name: 'x', node: 'x1', ready: '0/0', isReady: false }],
    ['in a crash loop', { name: 'x', node: 'x1', status: 'CrashLoopBackOff', isReady: false }],
    ['held by a gate of its own', { name: 'x', node: 'x1', gates: '0/1', isReady: false }],
    ['without a node', { name: 'x', node: '<none>', ready: '0/1', status: 'Pending' }],
  ])('asks for the pods of the node where one is %s', async (_, shown) => {
    const { asked, look } = await clusterWith([...many(100), shown]);
    expect(await look()).toEqual({ ready: 100, seen: ['x not'] });
    expect(asked).toEqual(['lines', 'jobs', `on ${shown.node === '<none>' ? '' : shown.node}`]);
  });

  it('does not take the line of a pod on a lost node for what it is now', async () => {
    const { look } = await clusterWith([...many(49), { name: 'x', node: 'lost', isReady: false }], { lost: ['lost'] });
    expect(await look()).toEqual({ ready: 49, seen: ['x not'] });
  });

  it('counts each pod of a doubtful node once, and leaves those of Jobs to whoever asks', async () => {
    const { look } = await clusterWith([{ name: 'well' }, { name: 'ill', ready: '0/1' }, { name: 'once', job: true }]);
    expect(await look()).toEqual({ ready: 0, seen: ['ill not', 'once ready', 'well ready'] });
  });

  it('leaves out what was told to go', async () => {
    const { look } = await clusterWith([...many(10), { name: 'x', status: 'Terminating', ready: '0/1' }]);
    expect(await look()).toEqual({ ready: 10, seen: [] });
  });

  it('looks again when a pod that was in doubt is gone: what came in its place may be as ill elsewhere', async () => {
    const ill = { name: 'a', node: 'w1', ready: '0/1' };
    const { look } = await clusterWith([...many(50), ill], { later: [...many(50), { ...ill, name: 'b', node: 'w2' }] });
    const { seen } = await look();
    expect(seen).toContain('b not');
  });

  it('looks again for it also where another namespace has a pod of that name', async () => {
    const [one, other] = ['w1', 'w2'].map((node) => ({ name: 'db-0', node, ready: '0/1' })) as [Shown, Shown];
    const { look } = await clusterWith([one, other], { later: [{ ...one, node: 'w3' }, other] });
    expect((await look()).seen).toEqual(['db-0 not', 'db-0 not']);
  });

  it('reads all pods once where more than a few nodes have one that is not ready', async () => {
    const pods = many(50).map((one) => ({ ...one, ready: '0/1' }));
    const { asked, look } = await clusterWith(pods);
    expect((await look()).seen).toHaveLength(50);
    expect(asked).toEqual(['lines', 'all']);
  });
});
