import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../src/clock.ts';
import type { Cluster, PodFact } from '../../src/cluster/cluster.ts';
import { createKubeClient, type KubeClient } from '../../src/cluster/kube-client.ts';
import { createKubeCluster } from '../../src/cluster/kube-cluster.ts';
import { kubeconfigCredentials } from '../../src/cluster/kube-credentials.ts';
import { isForbidden } from '../../src/cluster/kube-error.ts';

/** A control plane without kubelets: the tests write the status of pods and nodes themselves. */
export interface ClusterSubject {
  kubeconfig(token?: string): string;
  /** Token of an account that may do nothing. */
  readonly powerlessToken: string;
  /** Whether it knows which fields an object has (fieldValidation=Strict). */
  readonly knowsFields: boolean;
  close(): Promise<void>;
}

const OWN = 'k8s-upgrade';
const PREFIX = 'nightlift.test';
const WORLD = 'contract';
const signal = AbortSignal.timeout(300_000);
const Json = z.record(z.string(), z.unknown());

/** What the port promises, asked of an API server: the embedded one and the real one give the same answers. */
export function describeCluster(title: string, start: () => Promise<ClusterSubject>): void {
  describe(`${title}`, () => {
    let subject: ClusterSubject;
    let client: KubeClient;
    let cluster: Cluster;
    let powerless: Cluster;
    const folder = mkdtempSync(join(tmpdir(), 'cluster-contract-'));

    const connect = async (token?: string): Promise<KubeClient> => {
      const file = join(folder, token ?? 'admin');
      writeFileSync(file, subject.kubeconfig(token));
      const credentials = await kubeconfigCredentials({ file });
      return createKubeClient({ credentials, clock: systemClock(), userAgent: 'contract', patienceMs: 10_000 });
    };
    const create = (path: string, body: object): Promise<unknown> =>
      client.object({ doing: `creating at ${path}`, method: 'POST', path, body }, Json, signal);
    const patch = (path: string, body: object, type: 'merge' | 'strategic' = 'merge'): Promise<unknown> =>
      client.object({ doing: `patching ${path}`, method: 'PATCH', path, patch: type, body }, Json, signal);
    const read = (path: string): Promise<Record<string, unknown>> =>
      client.object({ doing: `reading ${path}`, path }, Json, signal);
    const until = async <T>(ask: () => Promise<T | undefined>): Promise<T> => {
      for (let tries = 0; tries < 200; tries += 1) {
        const found = await ask();
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('waited in vain');
    };

    const node = async (name: string, status: object, labels: object = {}): Promise<void> => {
      await create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} });
      await patch(`/api/v1/nodes/${name}/status`, { status });
    };
    const pod = async (
      name: string,
      extra: { namespace?: string; labels?: object; spec?: object; annotations?: object; running?: boolean } = {},
    ): Promise<PodFact> => {
      const namespace = extra.namespace ?? WORLD;
      const path = `/api/v1/namespaces/${namespace}/pods`;
      await create(path, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: extra.labels ?? {}, annotations: extra.annotations ?? {} },
        spec: {
          nodeName: 'worker-1',
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'main', image: 'registry/app:1' }],
          ...extra.spec,
        },
      });
      if (extra.running !== false) {
        await patch(`${path}/${name}/status`, {
          status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
        });
      }
      const [found] = (await cluster.pods({ namespace }, signal)).filter((one) => one.name === name);
      if (found === undefined) throw new Error(`no pod ${name}`);
      return found;
    };
    const deployment = async (name: string, replicas: number): Promise<void> => {
      const labels = { app: name };
      const spec = {
        nodeSelector: { nowhere: 'true' },
        containers: [{ name: 'main', image: `registry/${name}:2` }],
        initContainers: [{ name: 'first', image: 'registry/init:1' }],
      };
      await create(`/apis/apps/v1/namespaces/${WORLD}/deployments`, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name },
        spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
      });
    };

    beforeAll(async () => {
      subject = await start();
      client = await connect();
      cluster = createKubeCluster({ client, clock: systemClock(), namespace: OWN, annotationPrefix: PREFIX });
      powerless = createKubeCluster({
        client: await connect(subject.powerlessToken),
        clock: systemClock(),
        namespace: OWN,
        annotationPrefix: PREFIX,
      });
      for (const name of [OWN, WORLD])
        await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      // Pods are admitted only with a service account, which a controller makes.
      for (const namespace of [OWN, WORLD, 'kube-system']) {
        await until(() =>
          client
            .object({ doing: 'x', path: `/api/v1/namespaces/${namespace}/serviceaccounts/default` }, Json, signal)
            .catch(() => undefined),
        ).catch(() => undefined);
      }
      await node(
        'cp-1',
        {
          addresses: [
            { type: 'Hostname', address: 'cp-1' },
            { type: 'InternalIP', address: '192.0.2.1' },
          ],
          nodeInfo: nodeInfo('v1.36.3'),
          conditions: [
            { type: 'Ready', status: 'True', lastTransitionTime: '2026-11-20T10:00:00Z' },
            { type: 'MemoryPressure', status: 'True' },
          ],
        },
        { 'node-role.kubernetes.io/control-plane': '' },
      );
      await node('worker-1', { nodeInfo: nodeInfo('v1.36.2'), conditions: [{ type: 'Ready', status: 'Unknown' }] });
    });
    afterAll(async () => {
      await subject?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('says its version and health', async () => {
      expect(await cluster.serverVersion(signal)).toMatch(/^1\.\d+\.\d+$/);
      expect(await cluster.health('/livez', signal)).toEqual({ ok: true, detail: 'ok' });
      expect(await cluster.health('/readyz', signal)).toEqual({ ok: true, detail: 'ok' });
    });

    it('I05 lists the nodes as they are, and the API server of a control plane by its image', async () => {
      const apiServer = (image: string): Promise<PodFact> =>
        pod('kube-apiserver-cp-1', {
          namespace: 'kube-system',
          labels: { component: 'kube-apiserver' },
          spec: { nodeName: 'cp-1', containers: [{ name: 'kube-apiserver', image }] },
        });
      await apiServer('registry.example:5000/kube-apiserver:v1.36.3');
      const [controlPlane, worker] = await cluster.nodes(signal);
      expect(controlPlane).toMatchObject({
        name: 'cp-1',
        role: 'control-plane',
        kubelet: '1.36.3',
        apiServer: '1.36.3',
        internalIp: '192.0.2.1',
        ready: 'yes',
        readySince: '2026-11-20T10:00:00.000Z',
        memoryPressure: true,
        diskPressure: false,
        schedulable: true,
        cordonedBy: null,
        architecture: 'amd64',
        containerRuntime: 'containerd://1.7.24',
      });
      expect(worker).toMatchObject({
        name: 'worker-1',
        role: 'worker',
        kubelet: '1.36.2',
        apiServer: null,
        internalIp: null,
        ready: 'unknown',
      });
      const path = '/api/v1/namespaces/kube-system/pods/kube-apiserver-cp-1';
      for (const image of ['registry/kube-apiserver@sha256:00', 'registry/kube-apiserver:latest']) {
        await patch(path, { spec: { containers: [{ name: 'kube-apiserver', image }] } }, 'strategic');
        expect((await cluster.nodes(signal))[0]?.apiServer).toBeNull();
      }
    });

    it('names a node whose kubelet version cannot be read', async () => {
      await node('odd', { nodeInfo: nodeInfo('v1.36.2-vendor.7') });
      await expect(cluster.nodes(signal)).rejects.toThrow(/node odd: its kubelet version is "v1.36.2-vendor.7"/);
      await client.object({ doing: 'x', method: 'DELETE', path: '/api/v1/nodes/odd' }, Json, signal);
    });

    it('D08 cordons with a record, keeps the first record, and lifts only a cordon of its own', async () => {
      const state = async (): Promise<unknown> => {
        const [found] = (await cluster.nodes(signal)).filter(({ name }) => name === 'worker-1');
        return [found?.schedulable, found?.cordonedBy];
      };
      await cluster.cordon('worker-1', 'run 1', signal);
      await cluster.cordon('worker-1', 'run 2', signal);
      expect(await state()).toEqual([false, 'run 1']);
      await cluster.uncordon('worker-1', signal);
      expect(await state()).toEqual([true, null]);
      await patch('/api/v1/nodes/worker-1', { spec: { unschedulable: true } });
      await cluster.cordon('worker-1', 'run 3', signal);
      await cluster.uncordon('worker-1', signal);
      expect(await state()).toEqual([false, null]);
      await patch('/api/v1/nodes/worker-1', { spec: { unschedulable: null } });
    });

    it('selects pods by node, namespace and label, and says what a drain wants to know', async () => {
      await pod('plain', { labels: { role: 'x' }, spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
      await pod('other', { labels: { role: 'x' }, spec: { nodeName: 'cp-1' }, running: false });
      const names = async (where: Parameters<Cluster['pods']>[0]): Promise<string[]> =>
        (await cluster.pods(where, signal)).map(({ name }) => name);
      expect(await names({ namespace: WORLD, labels: 'role=x' })).toEqual(['other', 'plain']);
      expect(await names({ namespace: WORLD, labels: 'role=x', node: 'worker-1' })).toEqual(['plain']);
      expect(await names({ node: 'cp-1' })).toContain('kube-apiserver-cp-1');
      expect(
        (await cluster.pods({ namespace: WORLD, labels: 'role=x' }, signal)).map(
          ({ phase, ready, usesEmptyDir, owner, mirror, images, terminationGraceSeconds }) => ({
            phase,
            ready,
            usesEmptyDir,
            owner,
            mirror,
            images,
            terminationGraceSeconds,
          }),
        ),
      ).toEqual([
        {
          phase: 'Pending',
          ready: false,
          usesEmptyDir: false,
          owner: null,
          mirror: false,
          images: ['registry/app:1'],
          terminationGraceSeconds: 0,
        },
        {
          phase: 'Running',
          ready: true,
          usesEmptyDir: true,
          owner: null,
          mirror: false,
          images: ['registry/app:1'],
          terminationGraceSeconds: 0,
        },
      ]);
    });

    it('D07 evicts a pod, and tells a budget from two budgets, a gone pod and another pod of the same name', async () => {
      const budget = (name: string): Promise<unknown> =>
        create(`/apis/policy/v1/namespaces/${WORLD}/poddisruptionbudgets`, {
          apiVersion: 'policy/v1',
          kind: 'PodDisruptionBudget',
          metadata: { name },
          spec: { minAvailable: 1, selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['kept'] }] } },
        });
      const free = await pod('free');
      expect(await cluster.evict({ ...free, uid: 'another' }, signal)).toEqual({ kind: 'gone' });
      expect(await cluster.evict(free, signal)).toEqual({ kind: 'accepted' });
      expect(await cluster.evict({ ...free, name: 'never-was' }, signal)).toEqual({ kind: 'gone' });

      const kept = await pod('kept', { labels: { app: 'kept' } });
      await budget('one');
      await until(async () =>
        (await cluster.budgets(signal)).some(({ name, currentHealthy }) => name === 'one' && currentHealthy === 1)
          ? true
          : undefined,
      );
      expect((await cluster.budgets(signal)).find(({ name }) => name === 'one')).toEqual({
        namespace: WORLD,
        name: 'one',
        disruptionsAllowed: 0,
        currentHealthy: 1,
        desiredHealthy: 1,
        expectedPods: 1,
      });
      const blocked = await cluster.evict(kept, signal);
      expect(blocked).toMatchObject({
        kind: 'blocked',
        message: expect.stringContaining('disruption budget') as string,
      });
      await budget('two');
      expect(await cluster.evict(kept, signal)).toMatchObject({
        kind: 'impossible',
        message: expect.stringContaining('more than one') as string,
      });
    });

    it('I12 scales a workload to zero with a record, lists it, and puts it back', async () => {
      await deployment('operator', 3);
      const ref = { kind: 'Deployment', namespace: WORLD, name: 'operator' } as const;
      const path = `/apis/apps/v1/namespaces/${WORLD}/deployments/operator`;
      const replicas = async (): Promise<unknown> => (await read(path))['spec'];
      expect(await cluster.quiesce(ref, signal)).toEqual({ ...ref, replicasBefore: 3 });
      expect(await replicas()).toMatchObject({ replicas: 0 });
      expect(await cluster.quiesce(ref, signal)).toEqual({ ...ref, replicasBefore: 3 });
      expect(await cluster.quiescedWorkloads(signal)).toEqual([{ ...ref, replicasBefore: 3 }]);
      await cluster.restore({ ...ref, replicasBefore: 3 }, signal);
      await cluster.restore({ ...ref, replicasBefore: 9 }, signal);
      expect(await replicas()).toMatchObject({ replicas: 3 });
      expect(await cluster.quiescedWorkloads(signal)).toEqual([]);
      expect(await cluster.quiesce({ ...ref, name: 'absent' }, signal)).toBeUndefined();
      expect((await cluster.workloads(signal)).filter(({ namespace }) => namespace === WORLD)).toEqual([
        { ...ref, images: ['registry/operator:2', 'registry/init:1'] },
      ]);
    });

    it('I12 leaves alone what a person did to a quiesced workload meanwhile', async () => {
      await deployment('touched', 2);
      const ref = { kind: 'Deployment', namespace: WORLD, name: 'touched' } as const;
      const path = `/apis/apps/v1/namespaces/${WORLD}/deployments/touched`;
      await cluster.quiesce(ref, signal);
      await patch(path, { spec: { replicas: 5 } });
      await cluster.restore({ ...ref, replicasBefore: 2 }, signal);
      expect(await read(path)).toMatchObject({ spec: { replicas: 5 } });
      await patch(path, { spec: { replicas: 0 } });
      expect(await cluster.quiesce(ref, signal)).toEqual({ ...ref, replicasBefore: 0 });
      expect(await cluster.quiescedWorkloads(signal)).toEqual([]);
    });

    it('writes a ConfigMap whether or not it is there, and merges', async () => {
      expect(await cluster.configMap(OWN, 'state', signal)).toBeUndefined();
      await cluster.writeConfigMap(OWN, 'state', { a: '1' }, signal);
      await cluster.writeConfigMap(OWN, 'state', { b: '2' }, signal);
      expect(await cluster.configMap(OWN, 'state', signal)).toEqual({ a: '1', b: '2' });
      await cluster.deleteConfigMap(OWN, 'state', signal);
      await cluster.deleteConfigMap(OWN, 'state', signal);
      expect(await cluster.configMap(OWN, 'state', signal)).toBeUndefined();
    });

    it('reads the version in kubeadm-config, and says so when it cannot', async () => {
      await expect(cluster.kubeadmConfigVersion(signal)).rejects.toMatchObject({ status: 404 });
      await cluster.writeConfigMap(
        'kube-system',
        'kubeadm-config',
        { ClusterConfiguration: 'kind: ClusterConfiguration\nkubernetesVersion: v1.36.3\n' },
        signal,
      );
      expect(await cluster.kubeadmConfigVersion(signal)).toBe('1.36.3');
      await cluster.writeConfigMap('kube-system', 'kubeadm-config', { ClusterConfiguration: ': {' }, signal);
      await expect(cluster.kubeadmConfigVersion(signal)).rejects.toThrow(/no kubernetesVersion X\.Y\.Z/);
    });

    it('sets and removes annotations of a namespace', async () => {
      await cluster.annotateNamespace(OWN, { [`${PREFIX}/a`]: '1', [`${PREFIX}/b`]: '2' }, signal);
      await cluster.annotateNamespace(OWN, { [`${PREFIX}/a`]: null }, signal);
      expect(await cluster.namespaceAnnotations(OWN, signal)).toEqual({ [`${PREFIX}/b`]: '2' });
    });

    it('creates a Job once, reads it back, and deletes it with its pods', async () => {
      const manifest = jobManifest('k8s-upgrade-worker-1-36-4-worker-1');
      const { name } = manifest.metadata;
      expect(await cluster.createJob(manifest, signal)).toBe('created');
      expect(await cluster.createJob(manifest, signal)).toBe('exists');
      const fact = {
        name,
        phase: 'worker',
        target: '1.36.4',
        node: 'worker-1',
        runner: 'cp-1',
        status: 'active',
        reason: '',
        createdAt: expect.any(String) as string,
        finishedAt: null,
      };
      expect(await cluster.job(name, signal)).toEqual(fact);
      expect(await cluster.jobs('app=k8s-upgrade-chain', signal)).toEqual([fact]);
      expect(await cluster.jobs('app=else', signal)).toEqual([]);
      await until(async () =>
        (await cluster.pods({ namespace: OWN, labels: `batch.kubernetes.io/job-name=${name}` }, signal)).length === 1
          ? true
          : undefined,
      );
      await cluster.deleteJob(name, signal);
      expect(await cluster.job(name, signal)).toBeUndefined();
      expect(await cluster.pods({ namespace: OWN, labels: `batch.kubernetes.io/job-name=${name}` }, signal)).toEqual(
        [],
      );
      await cluster.deleteJob(name, signal);
    });

    it('tells an operator which key of the Job template is misspelt, and creates nothing', async ({ skip }) => {
      skip(!subject.knowsFields, 'this API server takes any field');
      const manifest = jobManifest('misspelt');
      await expect(
        cluster.createJob({ ...manifest, spec: { ...manifest.spec, backofLimit: 0 } }, signal),
      ).rejects.toThrow(/creating Job k8s-upgrade\/misspelt: .*backofLimit/);
      expect(await cluster.job('misspelt', signal)).toBeUndefined();
    });

    it('creates a Job from a CronJob as kubectl does', async () => {
      const path = `/apis/batch/v1/namespaces/${WORLD}/cronjobs`;
      const template = {
        metadata: { labels: { from: 'template' }, annotations: { note: 'kept' } },
        spec: { ...jobManifest('x').spec, ttlSecondsAfterFinished: 77 },
      };
      await create(path, {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'backup-etcd' },
        spec: { schedule: '0 1 * * *', suspend: true, jobTemplate: template },
      });
      expect(await cluster.cronJob(WORLD, 'backup-etcd', signal)).toEqual({
        suspended: true,
        image: 'registry/nightlift:1',
      });
      expect(await cluster.cronJob(WORLD, 'absent', signal)).toBeUndefined();
      expect(await cluster.createJobFromCronJob(WORLD, 'backup-etcd', 'snapshot-1', signal)).toBe('created');
      expect(await cluster.createJobFromCronJob(WORLD, 'backup-etcd', 'snapshot-1', signal)).toBe('exists');
      expect(await read(`/apis/batch/v1/namespaces/${WORLD}/jobs/snapshot-1`)).toMatchObject({
        metadata: {
          labels: { from: 'template' },
          annotations: { note: 'kept', 'cronjob.kubernetes.io/instantiate': 'manual' },
          ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'backup-etcd', controller: true }],
        },
        spec: { ttlSecondsAfterFinished: 77 },
      });
      await cluster.deleteJob('snapshot-1', signal, WORLD);
      await expect(cluster.createJobFromCronJob(WORLD, 'absent', 'x', signal)).rejects.toMatchObject({ status: 404 });
      await expect(cluster.jobLog(WORLD, 'absent', 10, signal)).rejects.toThrow(/the Job has no pod/);
    });

    it('I03 knows what it may do and what not', async () => {
      const evict = { verb: 'create', group: '', resource: 'pods/eviction', namespace: '' };
      expect(await cluster.allowed(evict, signal)).toBe(true);
      expect(await powerless.allowed(evict, signal)).toBe(false);
      const denied: unknown = await powerless.nodes(signal).catch((error: unknown) => error);
      expect(isForbidden(denied)).toBe(true);
      expect(String(denied)).toMatch(
        /listing the (nodes|kube-apiserver pods): the API server answered 403 Forbidden: .*cannot list resource/,
      );
    });

    it('finds the cluster DNS', async () => {
      expect(await cluster.dnsService(signal)).toBeUndefined();
      await create('/api/v1/namespaces/kube-system/services', {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'kube-dns' },
        spec: {
          clusterIP: '10.96.0.10',
          ports: [
            { name: 'dns-tcp', port: 53, protocol: 'TCP' },
            { name: 'dns', port: 53, protocol: 'UDP' },
          ],
        },
      });
      expect(await cluster.dnsService(signal)).toEqual({ address: '10.96.0.10', port: 53 });
    });
  });
}

function nodeInfo(kubeletVersion: string): object {
  return {
    kubeletVersion,
    architecture: 'amd64',
    osImage: 'Debian GNU/Linux 12',
    kernelVersion: '6.1.0',
    containerRuntimeVersion: 'containerd://1.7.24',
    bootID: '',
    kubeProxyVersion: '',
    machineID: '',
    operatingSystem: 'linux',
    systemUUID: '',
  };
}

function jobManifest(name: string) {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: { app: 'k8s-upgrade-chain', phase: 'worker', 'target-version': '1-36-4' },
      annotations: { [`${PREFIX}/node`]: 'worker-1' },
    },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          nodeSelector: { nowhere: 'true' },
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['cp-1'] }] }],
              },
            },
          },
          containers: [{ name: 'nightlift', image: 'registry/nightlift:1' }],
        },
      },
    },
  } as const;
}
