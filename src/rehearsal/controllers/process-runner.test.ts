import { existsSync, readdirSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { createJob, type TestCluster, testCluster, until } from '../../../test/control-plane/support/test-cluster.ts';
import type { Pod } from '../api/kinds.ts';
import { configMaps, jobs, nodes, pods, secrets } from '../api/resources.ts';
import { isTrue } from './conditions.ts';

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

function podOf(job: string): Pod | undefined {
  return cluster.server.store.list(pods, { labels: `job-name=${job}` }).at(-1);
}

function logOf(pod: Pod): string {
  return cluster.server.podLogs.read(pod.metadata.uid, 'main');
}

async function finished(job: string): Promise<Pod> {
  return await until(`the end of Job ${job}`, () => {
    const { status } = cluster.server.store.read(jobs, job, 'default');
    return (isTrue(status.conditions, 'Complete') || isTrue(status.conditions, 'Failed')) && podOf(job);
  });
}

test('a container is a process with the arguments, environment and files of its manifest', async () => {
  cluster = await testCluster(`
    import { readFileSync, statSync } from 'node:fs';
    const root = process.env.NIGHTLIFT_ROOT;
    const text = (path) => readFileSync(root + path, 'utf8').trim();
    const account = '/var/run/secrets/kubernetes.io/serviceaccount/';
    console.log(JSON.stringify({
      args: process.argv.slice(2), plain: process.env.PLAIN, joined: process.env.JOINED, node: process.env.NODE, key: process.env.KEY,
      setting: process.env.SETTING, missing: process.env.MISSING ?? null, leaked: process.env.LEAKED ?? null,
      host: process.env.KUBERNETES_SERVICE_HOST, config: text('/config/settings.yaml'), item: text('/keys/id'),
      mode: (statSync(root + '/keys/id').mode & 0o777).toString(8), one: text('/etc/one.txt'), projected: text('/all/ns'),
      namespace: text(account + 'namespace'), ca: text(account + 'ca.crt').startsWith('-----BEGIN'), token: text(account + 'token').length > 20,
    }));`);
  process.env['LEAKED'] = 'yes';
  const { store } = cluster.server;
  store.create(configMaps, {
    metadata: { name: 'config', namespace: 'default' },
    data: { 'settings.yaml': 'a: 1', 'one.txt': 'single' },
  });
  store.create(secrets, { metadata: { name: 'keys', namespace: 'default' }, stringData: { ssh_key: 'private' } });
  createJob(cluster, 'job', {
    containers: [
      {
        name: 'main',
        image: 'program',
        args: ['phase', '--now'],
        env: [
          { name: 'PLAIN', value: 'x' },
          { name: 'JOINED', value: '$(PLAIN)-y' },
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'ssh_key' } } },
          { name: 'SETTING', valueFrom: { configMapKeyRef: { name: 'config', key: 'settings.yaml' } } },
          { name: 'MISSING', valueFrom: { configMapKeyRef: { name: 'none', key: 'a', optional: true } } },
        ],
        volumeMounts: [
          { name: 'config', mountPath: '/config' },
          { name: 'config', mountPath: '/etc/one.txt', subPath: 'one.txt' },
          { name: 'keys', mountPath: '/keys' },
          { name: 'all', mountPath: '/all' },
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: 'config' } },
      { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400, items: [{ key: 'ssh_key', path: 'id' }] } },
      {
        name: 'all',
        projected: {
          sources: [{ downwardAPI: { items: [{ path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } }] } }],
        },
      },
    ],
  });
  const pod = await finished('job');
  delete process.env['LEAKED'];
  expect(JSON.parse(logOf(pod))).toEqual({
    args: ['phase', '--now'],
    plain: 'x',
    joined: 'x-y',
    node: pod.spec.nodeName,
    key: 'private',
    setting: 'a: 1',
    missing: null,
    leaked: null,
    host: '127.0.0.1',
    config: 'a: 1',
    item: 'private',
    mode: '400',
    one: 'single',
    projected: 'default',
    namespace: 'default',
    ca: true,
    token: true,
  });
  expect(pod.status.phase).toBe('Succeeded');
});

test('the exit code becomes the status of the container, stderr is in the log', async () => {
  cluster = await testCluster(`console.error('broken'); process.exit(64);`);
  createJob(cluster, 'job');
  const pod = await finished('job');
  expect(pod.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 64, reason: 'Error' });
  expect(logOf(pod)).toBe('broken\n');
});

const LIVING = `process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(143); }); console.log('up'); setInterval(() => {}, 1000);`;

async function running(job: string): Promise<Pod> {
  return await until(`Job ${job} to run`, () => {
    const pod = podOf(job);
    return pod !== undefined && logOf(pod).includes('up') && pod.status.phase === 'Running' && pod;
  });
}

test('I01 a Job that has its own node drained dies by SIGTERM, and its Job is failed', async () => {
  cluster = await testCluster(LIVING);
  createJob(cluster, 'job');
  const pod = await running('job');
  const { store } = cluster.server;
  store.modify(nodes, pod.spec.nodeName ?? '', undefined, (draft) => {
    draft.spec.unschedulable = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(store.read(pods, pod.metadata.name, 'default').status.phase).toBe('Running');
  store.delete(pods, pod.metadata.name, 'default');
  await until('the pod to be gone', () => store.get(pods, pod.metadata.name, 'default') === undefined);
  expect(logOf(pod)).toBe('up\nasked to stop\n');
  await until('the Job to be failed', () => isTrue(store.read(jobs, 'job', 'default').status.conditions, 'Failed'));
});

test('a process that does not stop is killed when its grace period is over', async () => {
  cluster = await testCluster(
    `process.on('SIGTERM', () => console.log('no')); console.log('up'); setInterval(() => {}, 1000);`,
    { process: { minimumGraceMs: 1 } },
  );
  createJob(cluster, 'job', { terminationGracePeriodSeconds: 4 });
  const pod = await running('job');
  const started = Date.now();
  cluster.server.store.delete(pods, pod.metadata.name, 'default');
  await until('the pod to be gone', () => podOf('job') === undefined);
  expect(Date.now() - started).toBeGreaterThanOrEqual(195);
  expect(logOf(pod)).toBe('up\nno\n');
});

test('a pod that is killed has exit code 137', async () => {
  cluster = await testCluster(LIVING);
  createJob(cluster, 'job');
  const pod = await running('job');
  expect(cluster.controllers.killPod(pod.metadata.name, 'default')).toBe(true);
  const ended = await finished('job');
  expect(ended.status.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(137);
});

test('a pod waits for a Secret that is not there yet', async () => {
  cluster = await testCluster(`console.log('up');`);
  const container = { name: 'main', image: 'program', volumeMounts: [{ name: 'keys', mountPath: '/keys' }] };
  createJob(cluster, 'job', { containers: [container], volumes: [{ name: 'keys', secret: { secretName: 'late' } }] });
  await until(
    'the pod to wait',
    () => podOf('job')?.status.containerStatuses?.[0]?.state?.waiting?.reason === 'ContainerCreating',
  );
  cluster.server.store.create(secrets, { metadata: { name: 'late', namespace: 'default' }, stringData: { a: 'b' } });
  expect((await finished('job')).status.phase).toBe('Succeeded');
});

test('deleting a Job in the background ends its process and removes its files', async () => {
  cluster = await testCluster(LIVING);
  createJob(cluster, 'job');
  const pod = await running('job');
  expect(readdirSync(cluster.directory).some((name) => name.startsWith('default_job-'))).toBe(true);
  cluster.server.store.delete(jobs, 'job', 'default', { propagationPolicy: 'Background' });
  await until('the pod to be gone', () => cluster.server.store.get(pods, pod.metadata.name, 'default') === undefined);
  await until('its files to be gone', () =>
    readdirSync(cluster.directory).every((name) => !name.startsWith('default_job-')),
  );
});

test('an orphaned pod works on, and closing the cluster ends it', async () => {
  let pid = 0;
  cluster = await testCluster(LIVING, { process: { onProcess: (_, child) => (pid = child.pid ?? 0) } });
  createJob(cluster, 'job');
  const pod = await running('job');
  cluster.server.store.delete(jobs, 'job', 'default');
  await until('the Job to be gone', () => cluster.server.store.get(jobs, 'job', 'default') === undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(cluster.server.store.read(pods, pod.metadata.name, 'default').metadata.ownerReferences).toBeUndefined();
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  cluster.controllers.close();
  await until('the process to be gone', () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
});

test('while the API is away a process works on, and its end is reported afterwards', async () => {
  cluster = await testCluster(`console.log('up'); setTimeout(() => {}, 150);`);
  createJob(cluster, 'job');
  await running('job');
  await cluster.server.setAvailable(false);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(podOf('job')?.status.phase).toBe('Running');
  await cluster.server.setAvailable(true);
  expect((await finished('job')).status.phase).toBe('Succeeded');
});
