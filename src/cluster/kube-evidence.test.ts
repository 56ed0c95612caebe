import { Agent } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import {
  type FaultyHttpServer,
  type ServiceAnswer,
  type ServiceRequest,
  startFaultyHttpServer,
} from '../rehearsal/services/faulty-http-server.ts';
import type { Cluster } from './cluster.ts';
import { examplePod } from './example-pod.ts';
import { createKubeClient } from './kube-client.ts';
import { createKubeCluster } from './kube-cluster.ts';
import { ClusterError, isNotFound } from './kube-error.ts';

const signal = new AbortController().signal;
const POD = examplePod('a', { namespace: 'apps', uid: 'uid-a' });
const REF = { kind: 'Deployment', namespace: 'apps', name: 'a' } as const;
const PLACE = { namespace: 'apps', daemonSet: 'a', annotation: 'lock' };
const REVIEW = { verb: 'get', group: '', resource: 'pods', namespace: 'apps' };
const MANIFEST = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a' }, spec: {} } as const;

let server: FaultyHttpServer;
let cluster: Cluster;
let handle: (request: ServiceRequest) => ServiceAnswer;

beforeEach(async () => {
  server = await startFaultyHttpServer({ handle: (request) => handle(request) });
  const client = createKubeClient({
    credentials: { server: server.url, authorize: () => Promise.resolve({ agent: new Agent(), headers: {} }) },
    clock: systemClock(),
    userAgent: 'test',
    patienceMs: 0,
  });
  cluster = createKubeCluster({ client, clock: systemClock(), namespace: 'apps', annotationPrefix: 'nightlift' });
});
afterEach(() => server.close());

/** Calls for which "it does not exist" is an answer. */
const ABSENT: Readonly<Record<string, () => Promise<unknown>>> = {
  'the kill switch, a ConfigMap': () => cluster.configMap('apps', 'a', signal),
  'a lock, a Lease': () => cluster.lease('a', signal),
  'a Job': () => cluster.job('a', signal),
  'a CronJob': () => cluster.cronJob('apps', 'a', signal),
  "kured's lock": () => cluster.rebootLock(PLACE, signal),
  'the cluster DNS': () => cluster.dnsService(signal),
  'the owner of a pod': () => cluster.ownerOf({ ...POD, owner: { kind: 'StatefulSet', name: 'a' } }, signal),
  'a workload to be scaled down': () => cluster.quiesce(REF, signal),
  'a workload to be scaled up': () => cluster.restore({ ...REF, replicasBefore: 1 }, signal),
  'a Job to be deleted': () => cluster.deleteJob('a', signal),
  'a ConfigMap to be deleted': () => cluster.deleteConfigMap('apps', 'a', signal),
  'a pod to be deleted': () => cluster.deletePod(POD, signal),
  'a pod to be evicted': () => cluster.evict(POD, signal),
};

/** Calls for which it is an error, and a page of somebody else no less. */
const PRESENT: Readonly<Record<string, () => Promise<unknown>>> = {
  'the nodes': () => cluster.nodes(signal),
  'the pods': () => cluster.pods({}, signal),
  'the Jobs': () => cluster.jobs('a=b', signal),
  'the budgets': () => cluster.budgets(signal),
  'the workloads': () => cluster.workloads(signal),
  'scaled-down workloads': () => cluster.quiescedWorkloads(signal),
  'a namespace': () => cluster.namespaceAnnotations('apps', signal),
  'a version': () => cluster.serverVersion(signal),
  'a permission': () => cluster.allowed(REVIEW, signal),
  'a ConfigMap that is written': () => cluster.writeConfigMap('apps', 'a', {}, signal),
  'a namespace that is annotated': () => cluster.annotateNamespace('apps', {}, signal),
  'a node that is cordoned': () => cluster.cordon('a', 'test', signal),
  'a node that is marked': () => cluster.markUnfinished('a', null, signal),
  'a Job that is created': () => cluster.createJob(MANIFEST, signal),
  'a Lease that is created': () =>
    cluster.writeLease('a', { holder: 'me', durationSeconds: 60, generation: 1 }, undefined, signal),
  'a Lease that is renewed': () =>
    cluster.writeLease('a', { holder: 'me', durationSeconds: 60, generation: 1 }, '7', signal),
  "kured's lock that is written": () => cluster.writeRebootLock(PLACE, 'x', '7', signal),
  'a workload that is restarted': () => cluster.restart(REF, '2026-11-20T23:00:00Z', signal),
  'the log of a Job': () => cluster.jobLog('apps', 'a', 5, signal),
};

const json = (status: number, body: unknown): ServiceAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const failure = (code: number, reason: string, details: object = {}, more: object = {}): ServiceAnswer =>
  json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, details, ...more });

const NOT_OF_IT: readonly (readonly [string, ServiceAnswer])[] = [
  ['the page of a default back end', { status: 404, body: '<html>default backend - 404</html>' }],
  ['an API server without this group', { status: 404, body: '404 page not found\n' }],
  ['an API server without this resource', failure(404, 'NotFound')],
  ['nothing', { status: 404, body: '' }],
  ['JSON of somebody else', json(404, { error: 'not found' })],
  ['a Status without a reason', failure(404, '')],
  ['a Status about another object', failure(404, 'NotFound', { name: 'b', kind: 'configmaps' })],
  ['a Status about another kind', failure(404, 'NotFound', { name: 'a', kind: 'secrets' })],
  ['a Status of success', failure(404, 'NotFound', { name: 'a', kind: 'jobs' }, { status: 'Success' })],
];

/** Under 200, where an object, a list or the end of an object is expected. */
const OTHER: readonly (readonly [string, ServiceAnswer])[] = [
  ['a page for people', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>It works!</html>' }],
  ['nothing', { status: 200, body: '' }],
  ['an object without anything', json(200, {})],
  ['an array', json(200, [])],
  ['JSON of somebody else', json(200, { status: 'ok', items: [], metadata: {} })],
  ['a Status of failure', failure(200, 'NotFound', { name: 'a' })],
  [
    'a Secret',
    json(200, { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'a', resourceVersion: '1' }, data: {} }),
  ],
  [
    'a list of something else',
    json(200, { kind: 'SecretList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [] }),
  ],
];

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    (value) => `no error, but ${JSON.stringify(value)}`,
    (reason: unknown) => reason,
  );
}

describe.each(NOT_OF_IT)('a 404 that is %s', (_name, answer) => {
  it.each(Object.keys(ABSENT))('does not say that there is not %s', async (name) => {
    handle = () => answer;
    const error = await errorOf(ABSENT[name]?.() ?? Promise.reject(new Error(name)));
    expect(error).toBeInstanceOf(ClusterError);
    expect(isNotFound(error)).toBe(false);
    expect(error).toMatchObject({
      reason: expect.stringMatching(/^(NotKubernetes|NotServed)$/) as string,
      remedy: expect.stringContaining(server.url) as string,
    });
  });
});

describe.each(OTHER)('a 200 that is %s', (_name, answer) => {
  it.each(Object.keys({ ...ABSENT, ...PRESENT }))('is no answer about %s', async (name) => {
    handle = () => answer;
    const error = await errorOf({ ...ABSENT, ...PRESENT }[name]?.() ?? Promise.reject(new Error(name)));
    expect(error).toMatchObject({ name: 'ClusterError', reason: 'NotKubernetes' });
  });

  it('is no health', async () => {
    handle = () => answer;
    expect(await cluster.health('/readyz', signal)).toMatchObject({ ok: false });
  });
});

/** Of a real API server 1.36. */
it.each([
  ['configmaps', '', () => cluster.configMap('apps', 'a', signal)],
  ['leases', 'coordination.k8s.io', () => cluster.lease('a', signal)],
  ['jobs', 'batch', () => cluster.job('a', signal)],
  ['jobs', 'batch', () => cluster.deleteJob('a', signal)],
  ['Job', 'batch', () => cluster.job('a', signal)],
  ['daemonsets', 'apps', () => cluster.rebootLock(PLACE, signal)],
])('a Status NotFound about that object (%s of group "%s") says that it is not there', async (kind, group, call) => {
  handle = () => failure(404, 'NotFound', { name: 'a', kind, ...(group === '' ? {} : { group }) });
  expect(await call()).toBeUndefined();
});

it('a pod is gone with its namespace, and a write into a namespace that is not there is an error', async () => {
  handle = () => failure(404, 'NotFound', { name: 'apps', kind: 'namespaces' });
  expect(await cluster.evict(POD, signal)).toEqual({ kind: 'gone' });
  await expect(cluster.createJob(MANIFEST, signal)).rejects.toThrow(/creating Job apps\/a: .*404 NotFound/);
});

describe('a list', () => {
  const page = (metadata: object, more: object = {}): ServiceAnswer =>
    json(200, { kind: 'PodList', apiVersion: 'v1', metadata, items: [], ...more });
  const pods = (): Promise<unknown> => cluster.pods({}, signal);

  it('is one with kind, group and resourceVersion only', async () => {
    handle = () => page({ resourceVersion: '7' });
    expect(await pods()).toEqual([]);
    handle = () => page({ resourceVersion: '7' }, { items: null });
    expect(await pods()).toEqual([]);
  });

  it.each([
    ['has no resourceVersion', page({})],
    ['has an empty resourceVersion', page({ resourceVersion: '' })],
    ['is of another group', page({ resourceVersion: '7' }, { apiVersion: 'metrics.k8s.io/v1beta1' })],
    ['holds another kind', page({ resourceVersion: '7' }, { kind: 'NodeList' })],
    ['has no items', page({ resourceVersion: '7' }, { items: undefined })],
    ['says that more would follow, and not where', page({ resourceVersion: '7', remainingItemCount: 3 })],
    ['goes round in a circle', page({ resourceVersion: '7', continue: 'again' })],
  ])('that %s is none', async (_name, answer) => {
    handle = () => answer;
    await expect(pods()).rejects.toMatchObject({ name: 'ClusterError', reason: 'NotKubernetes' });
  });
});

describe('a conflict', () => {
  it.each([
    ['a page', { status: 409, body: '<html>conflict</html>' }],
    ['a Status about another object', failure(409, 'AlreadyExists', { name: 'b', kind: 'jobs' })],
  ])('that is %s does not say that a Job exists already', async (_name, answer) => {
    handle = () => answer;
    await expect(cluster.createJob(MANIFEST, signal)).rejects.toThrow(/creating Job apps\/a: /);
  });

  it('that is a page does not say that a pod of that name is another one, nor that a lock is taken', async () => {
    handle = () => ({ status: 409, body: '<html>conflict</html>' });
    await expect(cluster.deletePod(POD, signal)).rejects.toThrow(/deleting pod apps\/a: /);
    await expect(cluster.writeRebootLock(PLACE, 'x', '7', signal)).rejects.toThrow(/writing the lock of kured/);
    await expect(
      cluster.writeLease('a', { holder: 'me', durationSeconds: 60, generation: 1 }, '7', signal),
    ).rejects.toThrow(/writing Lease apps\/a: /);
  });

  it('of a real API server is one, whether it names the resource or the kind', async () => {
    handle = () => failure(409, 'Conflict', { name: 'a', kind: 'Pod' });
    await cluster.deletePod(POD, signal);
    handle = () => failure(409, 'Conflict', { name: 'a', kind: 'daemonsets' });
    expect(await cluster.writeRebootLock(PLACE, 'x', '7', signal)).toBe(false);
    handle = () => failure(409, 'AlreadyExists', { name: 'a', group: 'batch', kind: 'jobs' });
    expect(await cluster.createJob(MANIFEST, signal)).toBe('exists');
  });
});

it('a denial that is no Status tells to look for a proxy, not to grant a permission', async () => {
  handle = () => ({ status: 403, body: '<html>Blocked by the security gateway</html>' });
  const error = await errorOf(cluster.configMap('apps', 'a', signal));
  expect(error).toMatchObject({ status: 403, remedy: expect.stringContaining('proxy') as string });
});
