import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../../src/clock.ts';
import type { Cluster, PodFact } from '../../../src/cluster/cluster.ts';
import { createKubeClient, type KubeClient } from '../../../src/cluster/kube-client.ts';
import { createKubeCluster } from '../../../src/cluster/kube-cluster.ts';
import { kubeconfigCredentials } from '../../../src/cluster/kubeconfig.ts';

/** A control plane without kubelets: the tests write the status of pods and nodes themselves. */
export interface ClusterSubject {
  kubeconfig(token?: string): string;
  /** Token of an account that may do nothing. */
  readonly powerlessToken: string;
  close(): Promise<void>;
}

export const OWN = 'k8s-upgrade';
export const PREFIX = 'nightlift.test';
export const WORLD = 'contract';
export const signal = AbortSignal.timeout(300_000);
const Json = z.record(z.string(), z.unknown());

/** The port on a control plane, and what makes objects there. */
export type Bench = Awaited<ReturnType<typeof openBench>>;

/** Connects, and makes a control plane node and a worker. */
export async function openBench(subject: ClusterSubject) {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-contract-'));
  const connect = async (token?: string): Promise<KubeClient> => {
    const file = join(folder, token ?? 'admin');
    writeFileSync(file, subject.kubeconfig(token));
    const credentials = kubeconfigCredentials({ file });
    return createKubeClient({ credentials, clock: systemClock(), userAgent: 'contract', patienceMs: 10_000 });
  };
  const clusterOf = (through: KubeClient): Cluster =>
    createKubeCluster({ client: through, clock: systemClock(), namespace: OWN, annotationPrefix: PREFIX });
  const client = await connect();
  const cluster = clusterOf(client);
  const powerless = clusterOf(await connect(subject.powerlessToken));

  const create = (path: string, body: object): Promise<unknown> =>
    client.object({ doing: `creating at ${path}`, method: 'POST', path, body }, Json, signal);
  const patch = (path: string, body: object, type: 'merge' | 'strategic' = 'merge'): Promise<unknown> =>
    client.object({ doing: `patching ${path}`, method: 'PATCH', path, patch: type, body }, Json, signal);
  const remove = (path: string): Promise<unknown> =>
    client.object({ doing: `deleting ${path}`, method: 'DELETE', path }, Json, signal);
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
    extra: {
      namespace?: string;
      labels?: object;
      metadata?: object;
      spec?: object;
      annotations?: object;
      running?: boolean;
      ready?: boolean;
    } = {},
  ): Promise<PodFact> => {
    const namespace = extra.namespace ?? WORLD;
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await create(path, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: extra.labels ?? {}, annotations: extra.annotations ?? {}, ...extra.metadata },
      spec: {
        nodeName: 'worker-1',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'registry/app:1' }],
        ...extra.spec,
      },
    });
    if (extra.running !== false) {
      await patch(`${path}/${name}/status`, {
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: extra.ready === false ? 'False' : 'True' }] },
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

  return {
    subject,
    cluster,
    powerless,
    create,
    patch,
    remove,
    read,
    until,
    node,
    pod,
    deployment,
    async close() {
      rmSync(folder, { recursive: true, force: true });
      await subject.close();
    },
  };
}

export function nodeInfo(kubeletVersion: string): object {
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
