import { afterEach, expect, test } from 'vitest';
import { createJob, type TestCluster, testCluster, until } from '../../../test/control-plane/support/test-cluster.ts';
import type { Pod } from '../api/kinds.ts';
import { cronJobs, deployments, jobs, nodes, pods } from '../api/resources.ts';
import { conditionOf, isTrue } from './conditions.ts';
import { inProcessRunner } from './in-process-runner.ts';
import { podEnvironment } from './pod-environment.ts';

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

function createPod(name: string, nodeName: string, metadata: object = {}): Pod {
  return cluster.server.store.create(pods, {
    metadata: { name, namespace: 'default', ...metadata },
    spec: { nodeName, containers: [{ name: 'main', image: 'app' }], terminationGracePeriodSeconds: 1 },
  });
}

function phaseOf(name: string): string | undefined {
  return cluster.server.store.get(pods, name, 'default')?.status.phase;
}

function readiness(node: string): string | undefined {
  return conditionOf(cluster.server.store.read(nodes, node).status.conditions, 'Ready')?.status;
}

test('an ordinary pod becomes Ready and goes when it is deleted', async () => {
  cluster = await testCluster();
  createPod('a', 'n1');
  await until('the pod to be Ready', () =>
    isTrue(cluster.server.store.read(pods, 'a', 'default').status.conditions, 'Ready'),
  );
  cluster.server.store.delete(pods, 'a', 'default');
  await until('the pod to be gone', () => phaseOf('a') === undefined);
  expect(cluster.server.store.list(pods)).toEqual([]);
});

test('an ordinary pod can end by itself with a log', async () => {
  cluster = await testCluster('', {
    ordinary: () => ({ startMs: 1, exit: { afterMs: 10, code: 0 }, log: 'Backup done: /a (2048 bytes)' }),
  });
  createJob(cluster, 'backup', { containers: [{ name: 'main', image: 'etcd' }] });
  await until('the Job to complete', () =>
    isTrue(cluster.server.store.read(jobs, 'backup', 'default').status.conditions, 'Complete'),
  );
  const [pod] = cluster.server.store.list(pods);
  expect(cluster.server.podLogs.read(pod?.metadata.uid ?? '', 'main')).toBe('Backup done: /a (2048 bytes)\n');
});

test('a mirror pod is left to whoever wrote it', async () => {
  cluster = await testCluster();
  createPod('etcd-n1', 'n1', { annotations: { 'kubernetes.io/config.mirror': 'x' } });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(phaseOf('etcd-n1')).toBe('Pending');
});

test('a node whose kubelet stopped becomes Unknown, keeps its pods running, and comes back', async () => {
  cluster = await testCluster('', { secondMs: 4 });
  createPod('a', 'n1');
  await until('the pod to run', () => phaseOf('a') === 'Running');
  cluster.controllers.stopKubelet('n1');
  await until('the node to be Unknown', () => readiness('n1') === 'Unknown');
  const taints = cluster.server.store.read(nodes, 'n1').spec.taints?.map(({ key, effect }) => `${key}:${effect}`);
  expect(taints).toEqual(['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute']);
  cluster.server.store.delete(pods, 'a', 'default');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(phaseOf('a')).toBe('Running');
  cluster.controllers.startKubelet('n1');
  expect(readiness('n1')).toBe('True');
  await until('the pod to be gone', () => phaseOf('a') === undefined);
  await until('the taints to be gone', () => cluster.server.store.read(nodes, 'n1').spec.taints === undefined);
});

test('a node that loses power fails its Jobs when it comes back', async () => {
  cluster = await testCluster(`setInterval(() => {}, 1000);`);
  createJob(cluster, 'job');
  const pod = await until('the pod to run', () =>
    cluster.server.store.list(pods).find(({ status }) => status.phase === 'Running'),
  );
  const node = pod.spec.nodeName ?? '';
  cluster.controllers.crashNode(node);
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect(phaseOf(pod.metadata.name)).toBe('Running');
  cluster.controllers.startKubelet(node);
  await until('the Job to be failed', () =>
    isTrue(cluster.server.store.read(jobs, 'job', 'default').status.conditions, 'Failed'),
  );
});

test('a container of a pod that always restarts is started again', async () => {
  cluster = await testCluster('', { secondMs: 2, ordinary: () => ({ startMs: 1, exit: { afterMs: 5, code: 1 } }) });
  createPod('a', 'n1');
  const restarts = await until(
    'a restart',
    () => (cluster.server.store.read(pods, 'a', 'default').status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
  );
  expect(restarts).toBe(true);
});

test('a container can be a function of this process', async () => {
  const seen: unknown[] = [];
  cluster = await testCluster('', {
    runners: [
      inProcessRunner({
        accepts: ({ image }) => image === 'function',
        environmentOf: (container, pod) => podEnvironment(cluster.server.store, container, pod),
        program: async ({ container, env, log, signal }) => {
          seen.push(container.args, env);
          log('working');
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return 3;
        },
      }),
    ],
  });
  createJob(cluster, 'job', {
    containers: [{ name: 'main', image: 'function', args: ['x'], env: [{ name: 'A', value: 'b' }] }],
  });
  const pod = await until('the pod to run', () =>
    cluster.server.store.list(pods).find(({ status }) => status.phase === 'Running'),
  );
  cluster.server.store.delete(pods, pod.metadata.name, 'default');
  await until('the Job to be failed', () =>
    isTrue(cluster.server.store.read(jobs, 'job', 'default').status.conditions, 'Failed'),
  );
  expect(seen).toEqual([['x'], { A: 'b' }]);
  expect(cluster.server.podLogs.read(pod.metadata.uid, 'main')).toBe('working\n');
});

test('a CronJob is triggered by hand, and by the clock unless it is suspended or still active', async () => {
  cluster = await testCluster('', { ordinary: () => ({ startMs: 1 }) });
  const { store } = cluster.server;
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app' }] } };
  store.create(cronJobs, {
    metadata: { name: 'nightly', namespace: 'default' },
    spec: {
      schedule: '0 23 * * *',
      concurrencyPolicy: 'Forbid',
      jobTemplate: { metadata: { labels: { app: 'x' } }, spec: { template } },
    },
  });
  const job = cluster.controllers.trigger('nightly', 'default', 'by-hand');
  expect(job.metadata).toMatchObject({
    name: 'by-hand',
    labels: { app: 'x' },
    annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
    ownerReferences: [expect.objectContaining({ kind: 'CronJob', name: 'nightly', controller: true })],
  });
  const at = new Date('2026-11-20T23:00:00Z');
  expect(cluster.controllers.runScheduled('nightly', 'default', at)?.metadata.name).toBe('nightly-29920260');
  const active = (): unknown[] => store.read(cronJobs, 'nightly', 'default').status.active ?? [];
  await until('the scheduled Job to be active', () => active().length > 0);
  expect(active()).toEqual([expect.objectContaining({ kind: 'Job', name: 'nightly-29920260' })]);
  expect(cluster.controllers.runScheduled('nightly', 'default', at)).toBeUndefined();
  store.delete(jobs, 'nightly-29920260', 'default', { propagationPolicy: 'Background' });
  await until('nothing to be active', () => active().length === 0);
  store.modify(cronJobs, 'nightly', 'default', (draft) => {
    draft.spec.suspend = true;
  });
  expect(cluster.controllers.runScheduled('nightly', 'default', at)).toBeUndefined();
});

test('an evicted pod of a Deployment runs again on another node', async () => {
  cluster = await testCluster();
  const { store } = cluster.server;
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app' }] } };
  store.create(deployments, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  });
  const running = (): Pod | undefined =>
    store
      .list(pods)
      .find(({ metadata, status }) => status.phase === 'Running' && metadata.deletionTimestamp === undefined);
  const first = await until('the pod to run', running);
  store.modify(nodes, first.spec.nodeName ?? '', undefined, (draft) => {
    draft.spec.unschedulable = true;
  });
  await until('the taint', () => store.read(nodes, first.spec.nodeName ?? '').spec.taints !== undefined);
  store.delete(pods, first.metadata.name, 'default');
  const second = await until('another pod to run', running);
  expect(second.spec.nodeName).not.toBe(first.spec.nodeName);
});
