import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { type ApiServer, startApiServer } from '../rehearsal/api/api-server.ts';
import { configMaps, deployments, jobs, nodes, pods } from '../rehearsal/api/resources.ts';
import type { Cluster } from './cluster.ts';
import { createKubeClient, type KubeClient } from './kube-client.ts';
import { createKubeCluster } from './kube-cluster.ts';
import { inClusterCredentials } from './kube-credentials.ts';
import { isUnavailable } from './kube-error.ts';

const signal = new AbortController().signal;

/** What takes a server that can be made to fail; what both kinds of API server promise is in test/components. */
describe('the cluster in a pod', () => {
  let server: ApiServer;
  let folder: string;
  let client: KubeClient;
  let time = Date.UTC(2026, 10, 20);

  const connect = (patienceMs: number): Cluster => {
    const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.crt')];
    writeFileSync(tokenFile, server.adminToken);
    writeFileSync(caFile, server.caPem);
    const credentials = inClusterCredentials({ host: '127.0.0.1', port: server.port, tokenFile, caFile });
    client = createKubeClient({ credentials, clock: systemClock(), userAgent: 'test', patienceMs, deadlineMs: 2000 });
    return createKubeCluster({ client, clock: systemClock(), namespace: 'default', annotationPrefix: 'nightlift' });
  };
  const addNode = (name: string): void => {
    server.store.create(nodes, { metadata: { name }, spec: {}, status: { nodeInfo: { kubeletVersion: 'v1.36.3' } } });
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kube-cluster-'));
    server = await startApiServer({ now: () => new Date(time) });
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('outlasts an API server that restarts, reading and writing', async () => {
    const cluster = connect(30_000);
    addNode('a');
    expect(await cluster.nodes(signal)).toHaveLength(1);
    await server.setAvailable(false);
    const calls = Promise.all([
      cluster.nodes(signal),
      cluster.cordon('a', 'test', signal),
      cluster.writeConfigMap('default', 'c', { a: '1' }, signal),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await server.setAvailable(true);
    await calls;
    expect(server.store.read(nodes, 'a').spec.unschedulable).toBe(true);
    expect(server.store.read(configMaps, 'c', 'default').data).toEqual({ a: '1' });
  });

  it('says that an API server is away when its patience is at an end', async () => {
    const cluster = connect(300);
    await server.setAvailable(false);
    const error: unknown = await cluster.nodes(signal).catch((reason: unknown) => reason);
    expect(isUnavailable(error)).toBe(true);
    expect(String(error)).toMatch(/no answer from https:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  it('creates a Job once although the answer of the first try was lost', async () => {
    const cluster = connect(10_000);
    const spec = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } };
    server.faults.add({ method: /POST/, path: /jobs/, times: 1, fault: { kind: 'truncated' } });
    const answer = await cluster.createJob(
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec },
      signal,
    );
    expect(['created', 'exists']).toContain(answer);
    expect(server.store.list(jobs)).toHaveLength(1);
  });

  it('D08 does not annotate a cordon that a person sets between its reading and its writing', async () => {
    const cluster = connect(0);
    addNode('a');
    const unsubscribe = server.faults.add({
      method: /PATCH/,
      path: /nodes\/a/,
      times: 1,
      fault: { kind: 'slow', ms: 300 },
    });
    const call = cluster.cordon('a', 'nightlift', signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    server.store.modify(nodes, 'a', undefined, (draft) => {
      draft.spec.unschedulable = true;
    });
    await call;
    unsubscribe();
    expect((await cluster.nodes(signal))[0]).toMatchObject({ schedulable: false, cordonedBy: null });
  });

  it('reads the container runtime that kubeadm goes by', async () => {
    const cluster = connect(0);
    addNode('a');
    addNode('b');
    server.store.modify(nodes, 'a', undefined, ({ metadata }) => {
      metadata.annotations = { 'kubeadm.alpha.kubernetes.io/cri-socket': 'unix:///run/crio/crio.sock' };
    });
    expect((await cluster.nodes(signal)).map(({ criSocket }) => criSocket)).toEqual([
      'unix:///run/crio/crio.sock',
      null,
    ]);
  });

  it('lists 1,200 nodes in three requests, and their API servers in one', async () => {
    const cluster = connect(0);
    for (let i = 0; i < 1200; i += 1) addNode(`node-${i}`);
    expect(await cluster.nodes(signal)).toHaveLength(1200);
    expect(client.requests()).toBe(4);
  });

  it('I11 reads the log of the newest pod of a Job, its last lines only', async () => {
    const cluster = connect(0);
    const labels = { 'batch.kubernetes.io/job-name': 'snapshot' };
    const spec = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'i' }] };
    const job = server.store.create(jobs, {
      metadata: { name: 'snapshot', namespace: 'default' },
      spec: { template: { metadata: { labels }, spec } },
    });
    const ownedBy = (uid: string) => [{ apiVersion: 'batch/v1', kind: 'Job', name: 'snapshot', uid, controller: true }];
    for (const [name, lines, ownerReferences] of [
      ['first', 'old', ownedBy(job.metadata.uid)],
      ['second', 'one\ntwo\nBackup done: /b/s.db (4096 bytes)', ownedBy(job.metadata.uid)],
      ['of-nobody', 'Backup done: /b/forged.db (4096 bytes)', []],
      ['of-an-earlier-job', 'Backup done: /b/older.db (4096 bytes)', ownedBy('another')],
    ] as const) {
      const pod = server.store.create(pods, {
        metadata: { name, namespace: 'default', labels, ownerReferences: [...ownerReferences] },
        spec: { containers: [{ name: 'main', image: 'i' }] },
      });
      server.podLogs.append(pod.metadata.uid, 'main', `${lines}\n`);
      time += 60_000;
    }
    expect(await cluster.jobLog('default', 'snapshot', 2, signal)).toBe('two\nBackup done: /b/s.db (4096 bytes)\n');
  });

  it('I12 names a workload whose record nobody can read', async () => {
    const cluster = connect(0);
    server.store.create(deployments, {
      metadata: {
        name: 'op',
        namespace: 'default',
        labels: { 'nightlift/quiesced': 'true' },
        annotations: { 'nightlift/replicas-before': 'many' },
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    await expect(cluster.quiescedWorkloads(signal)).rejects.toMatchObject({
      message: expect.stringContaining(
        'Deployment default/op: its annotation nightlift/replicas-before is "many"',
      ) as string,
      remedy: expect.stringContaining('Scale it by hand') as string,
    });
  });
});
