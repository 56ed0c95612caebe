import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';
import { atOnce } from '../src/at-once.ts';
import { machineIdOf } from '../src/rehearsal/nodes/machine.ts';

/** Fills a real API server with a made-up cluster: one worker by its API, the others cloned in etcd, 2,000 objects a second. */
export interface FillOptions {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  readonly etcdUrl: string;
  readonly nodes: number;
  readonly budgets: number;
  readonly crds: number;
  /** Of the first worker, where something may answer; the others have addresses where nothing does. */
  readonly address: string;
  readonly version: string;
  readonly controlPlaneVersion: string;
}

type Body = Readonly<Record<string, unknown>>;

const PER_NODE = { replicaSet: 22, statefulSet: 3 };
const REPLICAS = { deployment: 20, statefulSet: 5 };
const DAEMON_SETS = [
  ['kube-system', 'kube-proxy'],
  ['kube-system', 'cilium'],
  ['kube-system', 'csi-node'],
  ['monitoring', 'node-exporter'],
  ['logging', 'fluent-bit'],
] as const;
const CONTROL_PLANES = ['cp1', 'cp2', 'cp3'];
const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'];
const LONG_AGO = `${new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 19)}Z`;

const digest = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);
const padded = (prefix: string, index: number): string => `${prefix}${String(index).padStart(5, '0')}`;
const serial = (prefix: string, index: number): string => `${prefix}${index.toString(36).padStart(4, '0')}`;
const namespaceOf = (index: number): string => `team-${String(index % 100).padStart(2, '0')}`;
export const workerName = (index: number): string => padded('w', index);
const FIRST_ADDRESS = '127.101.101';
/** As long as any other, so that one can be cloned from another. */
const addressOf = (worker: number): string =>
  `127.${101 + (worker >> 10)}.${100 + ((worker >> 5) & 31)}.${100 + (worker & 31)}`;

/** All nodes but the first worker, with the addresses that they are given. */
export function otherNodes(workers: number): readonly { readonly name: string; readonly address: string }[] {
  return [
    ...CONTROL_PLANES.map((name, index) => ({ name, address: `127.100.100.${index + 1}` })),
    ...upTo(workers)
      .slice(1)
      .map((worker) => ({ name: workerName(worker), address: addressOf(worker) })),
  ];
}

function uuid(text: string): string {
  const hex = digest(text, 32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function nodeBody(name: string, address: string, version: string, controlPlane: boolean): Body {
  const condition = (type: string, status: string): Body => ({
    type,
    status,
    reason: `Kubelet${type}`,
    message: `kubelet says ${type}`,
    lastHeartbeatTime: LONG_AGO,
    lastTransitionTime: LONG_AGO,
  });
  const resources = { cpu: '31500m', memory: '126000Mi', pods: '110', 'ephemeral-storage': '380Gi' };
  return {
    metadata: {
      name,
      labels: {
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/region': 'eu-1',
        'topology.kubernetes.io/zone': 'eu-1a',
        'node.example.com/rack': 'rack-17',
        ...(controlPlane ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
      },
      annotations: {
        'node.alpha.kubernetes.io/ttl': '0',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
        'csi.volume.kubernetes.io/nodeid': `{"csi.example.com":"${name}"}`,
      },
    },
    spec: controlPlane ? { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] } : {},
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [
        condition('MemoryPressure', 'False'),
        condition('DiskPressure', 'False'),
        condition('PIDPressure', 'False'),
        condition('Ready', 'True'),
      ],
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        machineID: machineIdOf(name),
        systemUUID: uuid(`system ${name}`),
        bootID: uuid(`boot ${name}`),
        kernelVersion: '6.1.0-40-amd64',
        osImage: 'Debian GNU/Linux 12 (bookworm)',
        containerRuntimeVersion: 'containerd://2.2.0',
        kubeletVersion: `v${version}`,
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
      images: Array.from({ length: 40 }, (_, index) => ({
        names: [
          `registry.example.com/platform/team/service-${index}@sha256:${digest(`image ${index}`, 64)}`,
          `registry.example.com/platform/team/service-${index}:v1.${index}.0`,
        ],
        sizeBytes: 50_000_000 + index,
      })),
    },
  };
}

interface PodOf {
  readonly kind: 'ReplicaSet' | 'StatefulSet' | 'DaemonSet' | 'Node';
  readonly owner: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
}

/** About 7 KB as the API server gives it back, with its managedFields. */
function podBody({ kind, owner, namespace, name, node, labels, image }: PodOf): { pod: Body; status: Body } {
  const isMirror = kind === 'Node';
  const mounts = ['config', 'tmp', 'kube-api-access'].map((volume) => ({ name: volume, mountPath: `/mnt/${volume}` }));
  const container = {
    name: labels['component'] ?? 'app',
    image,
    args: ['--config=/etc/app/config.yaml', '--log-level=info', `--cluster=${namespace}`],
    env: Array.from({ length: isMirror ? 1 : 4 }, (_, index) => ({
      name: `APP_SETTING_${index}`,
      value: `value-of-setting-${index}.app.svc.cluster.local`,
    })),
    resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '512Mi' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, initialDelaySeconds: 5 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    ...(isMirror ? {} : { volumeMounts: mounts }),
  };
  const mirror = digest(name, 32);
  const pod = {
    metadata: {
      name,
      namespace,
      labels,
      annotations: isMirror
        ? {
            'kubernetes.io/config.hash': mirror,
            'kubernetes.io/config.mirror': mirror,
            'kubernetes.io/config.source': 'file',
          }
        : { 'prometheus.io/scrape': 'true', 'checksum/config': digest(owner, 64) },
      ownerReferences: [
        { apiVersion: isMirror ? 'v1' : 'apps/v1', kind, name: owner, uid: uuid(`${kind} ${owner}`), controller: true },
      ],
    },
    spec: {
      nodeName: node,
      containers: [container],
      ...(isMirror ? { hostNetwork: true } : {}),
      volumes: isMirror
        ? []
        : [
            { name: 'config', configMap: { name: 'app-config' } },
            { name: 'tmp', emptyDir: {} },
            {
              name: 'kube-api-access',
              projected: {
                sources: [{ configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }],
              },
            },
          ],
      tolerations: kind === 'DaemonSet' || isMirror ? [{ operator: 'Exists' }] : [],
    },
  };
  const status = {
    phase: 'Running',
    hostIP: '10.0.0.1',
    podIP: '10.244.1.7',
    startTime: LONG_AGO,
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
      (type) => ({
        type,
        status: 'True',
        lastTransitionTime: LONG_AGO,
      }),
    ),
    containerStatuses: [
      {
        name: container.name,
        image,
        imageID: `registry.example.com/app@sha256:${digest(image, 64)}`,
        containerID: `containerd://${digest(name, 64)}`,
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: LONG_AGO } },
      },
    ],
  };
  return { pod, status };
}

const hashOf = (deployment: string): string => digest(deployment, 10);

function replicaSetPod(node: string, index: number): PodOf {
  const at = Math.floor(index / REPLICAS.deployment);
  const deployment = padded('app-', at);
  const owner = `${deployment}-${hashOf(deployment)}`;
  return {
    kind: 'ReplicaSet',
    owner,
    namespace: namespaceOf(at),
    name: `${owner}-${serial('p', index)}`,
    node,
    labels: { app: deployment, 'pod-template-hash': hashOf(deployment), version: 'v1' },
    image: 'registry.example.com/platform/app:v1.4.2',
  };
}

function statefulSetPod(node: string, index: number): PodOf {
  const at = Math.floor(index / REPLICAS.statefulSet);
  const owner = padded('db-', at);
  const name = `${owner}-${index % REPLICAS.statefulSet}`;
  const labels = { app: owner, 'statefulset.kubernetes.io/pod-name': name };
  return {
    kind: 'StatefulSet',
    owner,
    namespace: namespaceOf(at),
    name,
    node,
    labels,
    image: 'registry.example.com/db:v1',
  };
}

function daemonSetPods(node: string, index: number): readonly PodOf[] {
  return DAEMON_SETS.map(([namespace, owner]) => {
    const name = `${owner}-${serial('s', index)}`;
    return {
      kind: 'DaemonSet',
      owner,
      namespace,
      name,
      node,
      labels: { 'k8s-app': owner },
      image: `registry.example.com/${owner}:v1`,
    };
  });
}

export interface Api {
  call(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: Body): Promise<string>;
  close(): Promise<void>;
}

export function apiOf({ url, caPem, token }: Pick<FillOptions, 'url' | 'caPem' | 'token'>): Api {
  const dispatcher = new Agent({ connect: { ca: caPem }, connections: 32 });
  return {
    async call(method, path, body) {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const answer = await request(`${url}${path}`, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${token}`, 'content-type': type, 'user-agent': 'kubelet/v1.36.4' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300 && answer.statusCode !== 404 && answer.statusCode !== 409)
        throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
      return text;
    },
    close: () => dispatcher.close(),
  };
}

async function makePods(api: Api, pods: readonly PodOf[]): Promise<void> {
  await atOnce(pods, 32, async (each) => {
    const { pod, status } = podBody(each);
    const path = `/api/v1/namespaces/${each.namespace}/pods`;
    await api.call('POST', path, pod);
    await api.call('PUT', `${path}/${each.name}/status`, { ...pod, status });
  });
}

async function makeWorkload(
  api: Api,
  plural: string,
  pod: PodOf,
  replicas: number | undefined,
  name: string,
): Promise<void> {
  const { pod: body } = podBody(pod);
  const { app, 'k8s-app': k8sApp } = pod.labels;
  const labels = app === undefined ? { 'k8s-app': k8sApp ?? '' } : { app };
  await api.call('POST', `/apis/apps/v1/namespaces/${pod.namespace}/${plural}`, {
    metadata: { name, namespace: pod.namespace, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      ...(plural === 'statefulsets' ? { serviceName: name } : {}),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...(body['spec'] as object), nodeName: undefined } },
    },
  });
}

async function makeBudget(api: Api, index: number): Promise<void> {
  const name = padded('app-', index);
  const path = `/apis/policy/v1/namespaces/${namespaceOf(index)}/poddisruptionbudgets`;
  await api.call('POST', path, {
    metadata: { name },
    spec: { minAvailable: '50%', selector: { matchLabels: { app: name } } },
  });
  const blocked = index === 499;
  await api.call('PATCH', `${path}/${name}/status`, {
    status: {
      observedGeneration: 1,
      disruptionsAllowed: blocked ? 0 : 25,
      currentHealthy: blocked ? 10 : 35,
      desiredHealthy: 10,
      expectedPods: blocked ? 10 : 35,
    },
  });
}

async function makeDefinition(api: Api, index: number): Promise<void> {
  const group = `g${index}.example.com`;
  await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `things${index}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: `things${index}`, singular: `thing${index}`, kind: `Thing${index}` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** What there is once, and the first worker. */
async function makeFirst(api: Api, options: FillOptions): Promise<void> {
  const { version, controlPlaneVersion } = options;
  const namespaces = ['monitoring', 'logging', 'k8s-upgrade', ...upTo(100).map(namespaceOf)];
  await atOnce(namespaces, 16, (name) => api.call('POST', '/api/v1/namespaces', { metadata: { name } }));
  const configuration = `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v${controlPlaneVersion}\n`;
  await api.call('POST', '/api/v1/namespaces/kube-system/configmaps', {
    metadata: { name: 'kubeadm-config' },
    data: { ClusterConfiguration: configuration },
  });
  await api.call('POST', '/api/v1/namespaces/k8s-upgrade/serviceaccounts', { metadata: { name: 'k8s-upgrade-job' } });
  for (const [index, name] of CONTROL_PLANES.entries()) {
    await api.call('POST', '/api/v1/nodes', nodeBody(name, `127.100.100.${index + 1}`, controlPlaneVersion, true));
    await makePods(api, daemonSetPods(name, 1_600_000 + index));
    await makePods(
      api,
      COMPONENTS.map((component) => ({
        kind: 'Node',
        owner: name,
        namespace: 'kube-system',
        name: `${component}-${name}`,
        node: name,
        labels: { component, tier: 'control-plane' },
        image: `registry.k8s.io/${component}:v${controlPlaneVersion}`,
      })),
    );
  }
  for (const pod of daemonSetPods('x', 0)) await makeWorkload(api, 'daemonsets', pod, undefined, pod.owner);
  await atOnce(upTo(options.budgets), 16, (index) => makeBudget(api, index));
  await atOnce(upTo(options.crds), 4, (index) => makeDefinition(api, index));
  const first = workerName(0);
  await api.call('POST', '/api/v1/nodes', nodeBody(first, `${FIRST_ADDRESS}.101`, version, false));
  await makePods(api, [
    ...daemonSetPods(first, 0),
    ...upTo(PER_NODE.replicaSet).map((index) => replicaSetPod(first, index)),
    ...upTo(PER_NODE.statefulSet).map((index) => statefulSetPod(first, index)),
  ]);
  await makeWorkload(api, 'deployments', replicaSetPod(first, 0), REPLICAS.deployment, padded('app-', 0));
  await makeWorkload(api, 'statefulsets', statefulSetPod(first, 0), REPLICAS.statefulSet, padded('db-', 0));
}

interface Stored {
  readonly key: string;
  readonly value: string;
  readonly uid: string;
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

/** Clones what is stored under a key, with texts of the same length in place of others. */
class Cloner {
  readonly #url: string;
  #batch: { key: string; value: string }[] = [];
  readonly #flying = new Set<Promise<unknown>>();

  constructor(url: string) {
    this.#url = url;
  }

  async #ask(path: string, body: unknown): Promise<{ kvs?: readonly { value: string }[] }> {
    const answer = await request(`${this.#url}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`etcd: ${answer.statusCode} ${text.slice(0, 300)}`);
    return JSON.parse(text) as { kvs?: readonly { value: string }[] };
  }

  async stored(key: string): Promise<Stored> {
    const found = (await this.#ask('range', { key: base64(`/registry/${key}`) })).kvs?.[0];
    if (found === undefined) throw new Error(`etcd has no ${key}`);
    const value = Buffer.from(found.value, 'base64').toString('latin1');
    const uid = /\*\$([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/.exec(value)?.[1];
    if (uid === undefined) throw new Error(`${key} has no uid`);
    return { key: `/registry/${key}`, value, uid };
  }

  async clone(stored: Stored, texts: readonly (readonly [string, string])[]): Promise<void> {
    let { key, value } = stored;
    for (const [from, to] of texts) {
      if (from.length !== to.length) throw new Error(`${from} and ${to} are not of one length`);
      key = key.replaceAll(from, to);
      value = value.replaceAll(from, to);
    }
    this.#batch.push({ key, value: value.replaceAll(stored.uid, uuid(key)) });
    if (this.#batch.length >= 100) await this.#flush();
  }

  async #flush(): Promise<void> {
    const success = this.#batch.map(({ key, value }) => ({ requestPut: { key: base64(key), value: base64(value) } }));
    this.#batch = [];
    const put = this.#ask('txn', { success }).finally(() => this.#flying.delete(put));
    this.#flying.add(put);
    if (this.#flying.size >= 4) await Promise.race(this.#flying);
  }

  async end(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#flying);
  }
}

async function cloneOthers({ etcdUrl, nodes }: FillOptions): Promise<void> {
  const etcd = new Cloner(etcdUrl);
  const first = workerName(0);
  const podKey = ({ namespace, name }: PodOf): string => `pods/${namespace}/${name}`;
  const firstReplica = replicaSetPod(first, 0);
  const firstStateful = statefulSetPod(first, 0);
  const texts = (from: PodOf, to: PodOf): [string, string][] =>
    (['name', 'owner', 'namespace', 'node'] as const).map((field) => [from[field], to[field]]);
  const ofApp = (pod: PodOf): string => pod.labels['app'] ?? '';
  const node = await etcd.stored(`minions/${first}`);
  const replica = await etcd.stored(podKey(firstReplica));
  const stateful = await etcd.stored(podKey(firstStateful));
  const daemons = await Promise.all(daemonSetPods(first, 0).map((pod) => etcd.stored(podKey(pod))));
  const deployment = await etcd.stored(`deployments/team-00/${ofApp(firstReplica)}`);
  const set = await etcd.stored(`statefulsets/team-00/${firstStateful.owner}`);
  for (let worker = 1; worker < nodes; worker += 1) {
    const name = workerName(worker);
    const address = addressOf(worker);
    await etcd.clone(node, [
      [first, name],
      [`${FIRST_ADDRESS}.101`, address],
      [machineIdOf(first), machineIdOf(name)],
    ]);
    for (const [at, pod] of daemonSetPods(name, worker).entries()) {
      const from = daemonSetPods(first, 0)[at];
      const stored = daemons[at];
      if (from !== undefined && stored !== undefined) await etcd.clone(stored, texts(from, pod));
    }
    for (const at of upTo(PER_NODE.replicaSet)) {
      const index = worker * PER_NODE.replicaSet + at;
      const pod = replicaSetPod(name, index);
      const hashes: [string, string] = [hashOf(ofApp(firstReplica)), hashOf(ofApp(pod))];
      await etcd.clone(replica, [...texts(firstReplica, pod), [ofApp(firstReplica), ofApp(pod)], hashes]);
      if (index % REPLICAS.deployment === 0)
        await etcd.clone(deployment, [
          [ofApp(firstReplica), ofApp(pod)],
          [firstReplica.namespace, pod.namespace],
        ]);
    }
    for (const at of upTo(PER_NODE.statefulSet)) {
      const index = worker * PER_NODE.statefulSet + at;
      const pod = statefulSetPod(name, index);
      await etcd.clone(stateful, texts(firstStateful, pod));
      if (index % REPLICAS.statefulSet === 0)
        await etcd.clone(set, [
          [firstStateful.owner, pod.owner],
          [firstStateful.namespace, pod.namespace],
        ]);
    }
  }
  await etcd.end();
}

export async function fill(api: Api, options: FillOptions): Promise<void> {
  await makeFirst(api, options);
  await cloneOthers(options);
  await api.call('PATCH', `/api/v1/nodes/${workerName(0)}/status`, {
    status: {
      addresses: [
        { type: 'InternalIP', address: options.address },
        { type: 'Hostname', address: workerName(0) },
      ],
    },
  });
}
