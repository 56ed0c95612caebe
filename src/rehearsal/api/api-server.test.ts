import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { Agent, fetch } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from './api-server.ts';
import { clusterRoleBindings, clusterRoles, configMaps, nodes, pods, roleBindings, roles } from './resources.ts';

let server: ApiServer;
let core: CoreV1Api;
let dispatcher: Agent;

beforeEach(async () => {
  server = await startApiServer();
  core = client(server.adminToken);
  dispatcher = new Agent({ connect: { ca: server.caPem } });
  for (const name of ['n1', 'n2', 'n3']) server.store.create(nodes, { metadata: { name }, spec: {} });
  server.requests.clear();
});

afterEach(async () => {
  await dispatcher.destroy();
  await server.close();
});

function client(token: string): CoreV1Api {
  const config = new KubeConfig();
  config.loadFromString(server.kubeconfig(token));
  return config.makeApiClient(CoreV1Api);
}

async function get(path: string, signal?: AbortSignal): Promise<{ status: number; headers: Headers; text: string }> {
  const headers = { authorization: `Bearer ${server.adminToken}`, 'user-agent': 'test/1' };
  const answer = await fetch(`${server.url}${path}`, {
    dispatcher,
    headers,
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: answer.status, headers: answer.headers as unknown as Headers, text: await answer.text() };
}

test('an outage refuses connections and cuts open ones, and the same port answers afterwards', async () => {
  const watching = get('/api/v1/nodes?watch=true').catch((error: unknown) => error);
  await core.listNode();
  await server.setAvailable(false);
  expect(await watching).toBeInstanceOf(Error);
  await expect(core.listNode()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await server.setAvailable(false);
  await server.setAvailable(true);
  expect((await core.listNode()).items).toHaveLength(3);
});

test('every request is in the log with its user, agent and status', async () => {
  await get('/api/v1/nodes?limit=1');
  await get('/api/v1/nodes/nope');
  expect(server.requests.records).toEqual([
    expect.objectContaining({
      method: 'GET',
      path: '/api/v1/nodes',
      query: '?limit=1',
      userAgent: 'test/1',
      user: 'kubernetes-admin',
      status: 200,
    }),
    expect.objectContaining({ path: '/api/v1/nodes/nope', status: 404 }),
  ]);
  expect(server.requests.writes).toEqual([]);
  await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'a' } } });
  expect(server.requests.writes.map(({ method }) => method)).toEqual(['POST']);
});

test('a fault with a status carries Retry-After and ends after so many times', async () => {
  server.faults.add({ path: /\/nodes/, times: 1, fault: { kind: 'status', code: 429, retryAfterSeconds: 7 } });
  const refused = await get('/api/v1/nodes');
  expect([refused.status, refused.headers.get('retry-after'), JSON.parse(refused.text).reason]).toEqual([
    429,
    '7',
    'TooManyRequests',
  ]);
  expect((await get('/api/v1/nodes')).status).toBe(200);
});

test('faults can begin late, match a method, and be taken back', async () => {
  const remove = server.faults.add({ method: /GET/, path: /\/nodes/, after: 1, fault: { kind: 'status', code: 500 } });
  const codes = [(await get('/api/v1/nodes')).status, (await get('/api/v1/nodes')).status];
  remove();
  expect([...codes, (await get('/api/v1/nodes')).status]).toEqual([200, 500, 200]);
});

test('answers can be empty, garbage, cut in the middle, late, or never come', async () => {
  const once = (fault: Parameters<ApiServer['faults']['add']>[0]['fault']): void => {
    server.faults.add({ path: /\/nodes/, times: 1, fault });
  };
  once({ kind: 'empty' });
  expect((await get('/api/v1/nodes')).text).toBe('');
  once({ kind: 'garbage' });
  expect((await get('/api/v1/nodes')).text).toContain('<html>');
  once({ kind: 'truncated' });
  await expect(get('/api/v1/nodes')).rejects.toThrow(/terminated|fetch failed/);
  once({ kind: 'refuse' });
  await expect(get('/api/v1/nodes')).rejects.toThrow(/terminated|fetch failed/);
  once({ kind: 'slow', ms: 60 });
  const started = performance.now();
  expect((await get('/api/v1/nodes')).status).toBe(200);
  expect(performance.now() - started).toBeGreaterThan(55);
  once({ kind: 'hang' });
  await expect(get('/api/v1/nodes', AbortSignal.timeout(100))).rejects.toThrow(/timeout/);
});

test('a ServiceAccount may do what its roles say, where they say it', async () => {
  const { store } = server;
  store.create(clusterRoles, {
    metadata: { name: 'reader' },
    rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['nodes'] }],
  });
  const rules = [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] }];
  store.create(roles, { metadata: { name: 'own', namespace: 'default' }, rules });
  const subjects = [{ kind: 'ServiceAccount', name: 'job', namespace: 'default' }];
  store.create(clusterRoleBindings, {
    metadata: { name: 'a' },
    subjects,
    roleRef: { kind: 'ClusterRole', name: 'reader' },
  });
  store.create(roleBindings, {
    metadata: { name: 'b', namespace: 'default' },
    subjects,
    roleRef: { kind: 'Role', name: 'own' },
  });
  for (const name of ['mine', 'other']) store.create(configMaps, { metadata: { name } });
  const account = client(server.access.serviceAccountToken({ namespace: 'default', name: 'job' }));
  expect((await account.listNode()).items).toHaveLength(3);
  await account.readNamespacedConfigMap({ namespace: 'default', name: 'mine' });
  await expect(account.readNamespacedConfigMap({ namespace: 'default', name: 'other' })).rejects.toMatchObject({
    code: 403,
  });
  await expect(account.deleteNode({ name: 'n1' })).rejects.toMatchObject({ code: 403 });
  await expect(account.readNamespacedConfigMap({ namespace: 'kube-system', name: 'mine' })).rejects.toMatchObject({
    code: 403,
  });
});

test('a token can be requested for a ServiceAccount and be revoked', async () => {
  await core.createNamespacedServiceAccount({ namespace: 'default', body: { metadata: { name: 'job' } } });
  const spec = { audiences: [], expirationSeconds: 600 };
  const { status } = await core.createNamespacedServiceAccountToken({
    namespace: 'default',
    name: 'job',
    body: { spec },
  });
  const token = status?.token ?? '';
  await expect(client(token).listNode()).rejects.toMatchObject({ code: 403 });
  server.access.revokeToken(token);
  await expect(client(token).listNode()).rejects.toMatchObject({ code: 401 });
});

test('logs are read whole, by their last lines, and followed to the end', async () => {
  const spec = { nodeName: 'n1', containers: [{ name: 'main' }] };
  const { metadata } = server.store.create(pods, { metadata: { name: 'pod', namespace: 'default' }, spec });
  const path = '/api/v1/namespaces/default/pods/pod/log';
  const early = await get(path);
  expect(JSON.parse(early.text).message).toBe('container "main" in pod "pod" is waiting to start: ContainerCreating');
  server.podLogs.append(metadata.uid, 'main', 'one\ntwo\nthr');
  expect((await get(path)).text).toBe('one\ntwo\nthr');
  expect((await get(`${path}?tailLines=1`)).text).toBe('two\nthr');
  expect((await get(`${path}?timestamps=true&tailLines=1`)).text).toMatch(/^\d{4}-.*Z two\n$/);
  const followed = get(`${path}?follow=true`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.podLogs.append(metadata.uid, 'main', 'ee\n');
  server.podLogs.end(metadata.uid, 'main');
  expect((await followed).text).toBe('one\ntwo\nthree\n');
  expect((await get(`${path}?container=other`)).status).toBe(400);
});

test('the version is what the control plane was last set to', async () => {
  server.setVersion('v1.37.1');
  expect(JSON.parse((await get('/version')).text)).toMatchObject({ minor: '37', gitVersion: 'v1.37.1' });
});

test('a watch from a version that is no longer kept is told to list again', async () => {
  for (let count = 0; count < 20_010; count += 1) {
    server.store.modify(nodes, 'n1', undefined, (draft) => {
      draft.metadata.labels = { count: String(count) };
    });
  }
  const { text } = await get('/api/v1/nodes?watch=true&resourceVersion=3&timeoutSeconds=1');
  expect(JSON.parse(text)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
});
