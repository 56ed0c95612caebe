import { Agent } from 'node:https';
import type { Context } from '../../src/chain/phase.ts';
import type { Step } from '../../src/chain/step.ts';
import { createWaiter } from '../../src/chain/wait.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createKubeClient } from '../../src/cluster/kube-client.ts';
import { createKubeCluster } from '../../src/cluster/kube-cluster.ts';
import type { Deps } from '../../src/deps.ts';
import { createLog } from '../../src/log.ts';
import { WITHOUT_LOCK } from '../../src/node/fence.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { openTemplates } from '../../src/wire/templates.ts';
import { TEMPLATES } from '../rehearsal/program.ts';
import { eventually, type Loose, podSpec, type Server, Subject } from './contract/subject.ts';

export const NAMESPACE = 'k8s-upgrade';

export interface ProcessOptions {
  /** Pod or person. */
  readonly identity?: string;
  /** How far this process's clock is ahead of the others'. */
  readonly aheadMs?: number;
  /** YAML over the defaults of the tests. */
  readonly settings?: string;
}

/** One process of Nightlift, as far as it talks to the API server; alerts, metrics and messages are nobody's here. */
export interface Process {
  readonly deps: Deps;
  readonly log: string[];
  context(step: Step, target: string): Context;
}

/** Some processes of Nightlift against one API server, embedded or real, with a control plane and two workers. */
export class ChainSubject extends Subject {
  readonly #agent: Agent;
  readonly #stop = new AbortController();
  #kubelet: Promise<void> | undefined;

  constructor(server: Server) {
    super(server);
    this.#agent = new Agent({ keepAlive: true, ca: server.caPem });
  }

  override async close(): Promise<void> {
    this.#stop.abort();
    await this.#kubelet;
    this.#agent.destroy();
    await super.close();
  }

  process({ identity = 'somebody-abcde', aheadMs = 0, settings = '' }: ProcessOptions = {}): Process {
    const system = systemClock();
    const clock: Clock = { ...system, now: () => new Date(system.now().getTime() + aheadMs) };
    const log: string[] = [];
    const client = createKubeClient({
      credentials: {
        server: this.server.url,
        authorize: () =>
          Promise.resolve({ agent: this.#agent, headers: { authorization: `Bearer ${this.server.adminToken}` } }),
      },
      clock,
      userAgent: 'nightlift (test)',
      patienceMs: 10_000,
    });
    // No other port is used by what is tested here.
    const deps = {
      cluster: createKubeCluster({ client, clock, namespace: NAMESPACE, annotationPrefix: 'nightlift' }),
      alerts: {
        deprecatedApis: () => Promise.resolve([]),
        apiServers: () => Promise.resolve({ lookbackHours: 168, instances: [] }),
        active: () => Promise.resolve([]),
      },
      metrics: { push: () => Promise.resolve(), clear: () => Promise.resolve() },
      notifier: { send: () => Promise.resolve() },
      clock,
      log: createLog({ format: 'text', write: (line) => log.push(line), now: clock.now }),
      templates: openTemplates(
        { env: {}, path: (file) => `/not/in/a/pod${file}`, templatesDir: TEMPLATES },
        parseSettings('{}', 'the test'),
      ),
      settings: parseSettings(`job: { image: 'nightlift:test' }\n${settings}`, 'the settings of the test'),
      identity,
      // There are no machines behind these nodes that could be asked what they are.
      inCluster: false,
      hasNodeKey: true,
      addonMatrix: () => undefined,
    } as unknown as Deps;
    return { deps, log, context: (step, target) => this.#context(deps, step, target) };
  }

  #context(deps: Deps, step: Step, target: string): Context {
    const { signal } = new AbortController();
    const { clock, log } = deps;
    return {
      step,
      target,
      deps,
      signal,
      fence: WITHOUT_LOCK,
      waiter: createWaiter({ clock, log, pollSeconds: 0.2, signal, mayGoOn: () => Promise.resolve() }),
      async node() {
        const found = (await deps.cluster.nodes(signal)).find(({ name }) => 'node' in step && name === step.node);
        if (found === undefined) throw new Error('the node is gone');
        return found;
      },
    };
  }

  /** Namespace, accounts, nodes and the API server's own pod: what the deciders look at. */
  async furnish(version: string): Promise<void> {
    await this.raw('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    await this.raw('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
      metadata: { name: 'k8s-upgrade-job' },
    });
    this.#kubelet = this.#endPods();
    await this.#node('cp', version, { 'node-role.kubernetes.io/control-plane': '' });
    await this.#node('w1', version);
    await this.#node('w2', version);
    await eventually(() => this.core.readNamespacedServiceAccount({ namespace: 'kube-system', name: 'default' }));
    const image = `registry.example/kube-apiserver:v${version}`;
    await this.raw('POST', '/api/v1/namespaces/kube-system/pods', {
      metadata: { name: 'kube-apiserver-cp', labels: { component: 'kube-apiserver' } },
      spec: podSpec({ nodeName: 'cp', nodeSelector: {}, containers: [{ name: 'kube-apiserver', image }] }),
    });
  }

  /** Pods of the chain end as soon as they are told to; else no Job could ever be deleted. */
  async #endPods(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const { metadata, status } of await this.list(`/api/v1/namespaces/${NAMESPACE}/pods`)) {
        if (metadata.deletionTimestamp === undefined) continue;
        // Gone meanwhile: nothing is left to end.
        if (status.phase !== 'Failed') await this.finish(NAMESPACE, metadata.name, 143).catch(() => undefined);
        await this.remove(NAMESPACE, metadata.name);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #node(name: string, version: string, labels: Record<string, string> = {}): Promise<void> {
    await this.raw('POST', '/api/v1/nodes', {
      metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
      spec: {},
    });
    const now = new Date().toISOString();
    const resources = { pods: '110', cpu: '8', memory: '32Gi' };
    const status = {
      conditions: [
        { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now },
      ],
      capacity: resources,
      allocatable: resources,
      nodeInfo: { kubeletVersion: `v${version}`, containerRuntimeVersion: 'containerd://2.2.0' },
    };
    const patched = await this.raw(
      'PATCH',
      `/api/v1/nodes/${name}/status`,
      { status },
      { contentType: 'application/merge-patch+json' },
    );
    if (patched.status !== 200) throw new Error(`making node ${name} Ready: ${patched.status} ${patched.text}`);
    await eventually(async () => {
      const { spec } = await this.core.readNode({ name });
      if ((spec?.taints ?? []).length > 0) throw new Error(`${name} still has a taint`);
    });
  }

  async list(path: string): Promise<readonly Loose[]> {
    return (await this.raw('GET', path)).body.items;
  }
}
