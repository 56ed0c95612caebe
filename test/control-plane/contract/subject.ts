import { AppsV1Api, BatchV1Api, CoreV1Api, KubeConfig, PolicyV1Api } from '@kubernetes/client-node';
import { Agent, request } from 'undici';

/** A server that the contract is checked on. */
export interface Server {
  readonly url: string;
  readonly caPem: string;
  readonly adminToken: string;
  /** Of user `reader`, who may nothing at all. */
  readonly readerToken: string;
  kubeconfig(): string;
  close(): Promise<void>;
}

/**
 * Answers as they came. Every use of them is an assertion of its own, so their type is open: a field that is not there fails
 * the test that asks for it.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly body: Loose;
}

export interface RawOptions {
  readonly token?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Subject {
  readonly server: Server;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  readonly apps: AppsV1Api;
  readonly policy: PolicyV1Api;
  readonly config: KubeConfig;
  readonly #dispatcher: Agent;
  #names = 0;

  constructor(server: Server) {
    this.server = server;
    this.config = new KubeConfig();
    this.config.loadFromString(server.kubeconfig());
    this.core = this.config.makeApiClient(CoreV1Api);
    this.batch = this.config.makeApiClient(BatchV1Api);
    this.apps = this.config.makeApiClient(AppsV1Api);
    this.policy = this.config.makeApiClient(PolicyV1Api);
    this.#dispatcher = new Agent({ connect: { ca: server.caPem } });
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
    await this.server.close();
  }

  /** What the client library hides: status, headers and the body as it came. */
  async raw(method: string, path: string, body?: unknown, options: RawOptions = {}): Promise<RawAnswer> {
    const answer = await request(`${this.server.url}${path}`, {
      method,
      dispatcher: this.#dispatcher,
      headers: {
        authorization: `Bearer ${options.token ?? this.server.adminToken}`,
        ...(body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, body: parsed(text) };
  }

  name(prefix: string): string {
    this.#names += 1;
    return `${prefix}-${this.#names}`;
  }

  /** A namespace of its own for a test, with its default ServiceAccount. */
  async namespace(): Promise<string> {
    const name = this.name('test');
    await this.core.createNamespace({ body: { metadata: { name } } });
    await eventually(() => this.core.readNamespacedServiceAccount({ namespace: name, name: 'default' }));
    return name;
  }

  /** A Ready node that nobody runs; `taints` and `labels` as given. */
  async node(
    more: { labels?: Record<string, string>; taints?: unknown[]; unschedulable?: boolean } = {},
  ): Promise<string> {
    const name = this.name('node');
    const { labels = {}, ...spec } = more;
    await this.raw('POST', '/api/v1/nodes', {
      metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
      spec,
    });
    const conditions = [
      {
        type: 'Ready',
        status: 'True',
        reason: 'KubeletReady',
        lastHeartbeatTime: new Date().toISOString(),
        lastTransitionTime: new Date().toISOString(),
      },
    ];
    const status = {
      conditions,
      capacity: { pods: '110', cpu: '8', memory: '32Gi' },
      allocatable: { pods: '110', cpu: '8', memory: '32Gi' },
    };
    await this.raw(
      'PATCH',
      `/api/v1/nodes/${name}/status`,
      { status },
      { contentType: 'application/merge-patch+json' },
    );
    await eventually(async () => {
      const node = await this.core.readNode({ name });
      if (node.spec?.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready') === true)
        throw new Error('still not ready');
    });
    return name;
  }

  /** Plays the kubelet: the pod's containers run, and are ready or not. */
  async run(namespace: string, name: string, ready = true): Promise<void> {
    const now = new Date().toISOString();
    const status = {
      phase: 'Running',
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: now },
        { type: 'ContainersReady', status: ready ? 'True' : 'False', lastTransitionTime: now },
      ],
    };
    await this.patchStatus(namespace, name, status);
  }

  /** Plays the kubelet: the pod's only container ended with this code. */
  async finish(namespace: string, name: string, exitCode: number): Promise<void> {
    const now = new Date().toISOString();
    const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: now, finishedAt: now };
    const containerStatuses = [
      { name: 'main', ready: false, restartCount: 0, image: 'x', imageID: 'x', state: { terminated } },
    ];
    await this.patchStatus(namespace, name, { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses });
  }

  async patchStatus(namespace: string, name: string, status: unknown): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    const answer = await this.raw('PATCH', path, { status }, { contentType: 'application/strategic-merge-patch+json' });
    if (answer.status !== 200)
      throw new Error(`patching the status of pod ${namespace}/${name}: ${answer.status} ${answer.text}`);
  }

  /** Plays the kubelet: the pod is really gone. */
  async remove(namespace: string, name: string): Promise<void> {
    await this.raw('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds: 0 });
  }
}

function parsed(text: string): Loose {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Tries until it does not throw, for ten seconds unless told otherwise. */
export async function eventually<T>(assertion: () => Promise<T>, ms = 10_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A pod that no node takes, unless `more` says which: the tests play the kubelets, and must know where a pod is. */
export function podSpec(more: object = {}): Loose {
  return {
    nodeSelector: { 'nightlift.test/none': '' },
    restartPolicy: 'Never',
    containers: [{ name: 'main', image: 'registry.example/app:1' }],
    ...more,
  };
}

export function jobBody(name: string, more: object = {}, template: object = {}): Loose {
  return { metadata: { name }, spec: { backoffLimit: 0, ...more, template: { spec: podSpec(), ...template } } };
}
