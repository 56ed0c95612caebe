import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionStep, Context } from '../../src/chain/phase.ts';
import { createWaiter } from '../../src/chain/wait.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { createKubeClient } from '../../src/cluster/kube-client.ts';
import { createKubeCluster } from '../../src/cluster/kube-cluster.ts';
import { inClusterCredentials } from '../../src/cluster/kube-credentials.ts';
import type { Deps } from '../../src/deps.ts';
import { createLog } from '../../src/log.ts';
import { WITHOUT_LOCK } from '../../src/node/fence.ts';
import { type ApiServer, startApiServer } from '../../src/rehearsal/api/api-server.ts';
import type { NewObject, Pod, PodSpec, Workload } from '../../src/rehearsal/api/kinds.ts';
import { deployments, nodes, podDisruptionBudgets, pods } from '../../src/rehearsal/api/resources.ts';
import { type ControllerOptions, startControllers } from '../../src/rehearsal/controllers/controllers.ts';
import { Settings } from '../../src/settings/settings.ts';
import { fastClock } from './virtual-clock.ts';

export interface DrainBenchOptions {
  readonly settings?: object;
  /** Seconds of the drain's clock in a real one. */
  readonly speed?: number;
  readonly controllers?: ControllerOptions;
}

export interface DrainBench {
  readonly server: ApiServer;
  readonly cluster: Cluster;
  readonly log: readonly string[];
  /** Runs a step for node n1; what it throws comes back after the step was taken back. Killed by the signal, it takes nothing back. */
  run(step: ActionStep, kill?: AbortSignal): Promise<unknown>;
  /** What `run` gives its step. */
  context(): Context;
  /** A workload with the label app and, unless told otherwise, its pods on n1. */
  workload(name: string, replicas: number, more?: { spec?: Partial<PodSpec>; strategy?: object }): Promise<void>;
  /** `minAvailable` of the pods with the label app. */
  budget(name: string, app: string, minAvailable: number): Promise<void>;
  pod(name: string, more?: { metadata?: object; spec?: object }): Pod;
  podsOn(node: string): readonly Pod[];
  isSchedulable(): boolean;
  until(what: string, ask: () => boolean): Promise<void>;
  close(): Promise<void>;
}

const NAMESPACE = 'default';

/** The drain on the embedded API server and its controllers, over loopback, with a clock that goes faster. */
export async function openDrainBench(options: DrainBenchOptions = {}): Promise<DrainBench> {
  const folder = mkdtempSync(join(tmpdir(), 'drain-'));
  const server = await startApiServer();
  const [tokenFile, caFile] = [join(folder, 'token'), join(folder, 'ca.crt')];
  writeFileSync(tokenFile, server.adminToken);
  writeFileSync(caFile, server.caPem);
  const clock = fastClock(options.speed ?? 60);
  const client = createKubeClient({
    credentials: inClusterCredentials({ host: '127.0.0.1', port: server.port, tokenFile, caFile }),
    clock,
    userAgent: 'drain',
    patienceMs: 60_000,
  });
  const cluster = createKubeCluster({ client, clock, namespace: NAMESPACE, annotationPrefix: 'nightlift' });
  for (const name of ['n1', 'n2']) server.store.create(nodes, nodeNamed(name));
  const controllers = startControllers(server, { reactionMs: 5, secondMs: 5, ...options.controllers });

  const lines: string[] = [];
  const log = createLog({ format: 'text', write: (line) => lines.push(line), now: clock.now });
  // The step uses these parts only.
  const deps = { cluster, clock, log, settings: Settings.parse(options.settings ?? {}) } as unknown as Deps;
  const contextOf = (signal: AbortSignal): Context => ({
    step: { phase: 'worker', node: 'n1' },
    target: '1.36.4',
    deps,
    signal,
    fence: WITHOUT_LOCK,
    waiter: createWaiter({ clock, log, pollSeconds: 5, signal, mayGoOn: () => Promise.resolve() }),
    async node() {
      const found = (await cluster.nodes(signal)).find(({ name }) => name === 'n1');
      if (found === undefined) throw new Error('n1 is gone');
      return found;
    },
  });

  const until = async (what: string, ask: () => boolean): Promise<void> => {
    const end = Date.now() + 20_000;
    while (!ask()) {
      if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const podsOn = (node: string): readonly Pod[] =>
    server.store.list(pods).filter((pod) => pod.spec.nodeName === node && pod.metadata.deletionTimestamp === undefined);
  const setSchedulable = (node: string, schedulable: boolean): void => {
    server.store.modify(nodes, node, undefined, (draft) => {
      draft.spec.unschedulable = !schedulable;
    });
  };

  return {
    server,
    cluster,
    log: lines,
    podsOn,
    until,
    context: () => contextOf(new AbortController().signal),
    async run(step, kill = new AbortController().signal) {
      const context = contextOf(kill);
      try {
        await step.run(context);
        return undefined;
      } catch (error) {
        if (!kill.aborted) await step.undo?.(context);
        return error;
      }
    },
    async workload(name, replicas, more = {}) {
      setSchedulable('n2', false);
      const before = podsOn('n1').length;
      server.store.create(deployments, deployment(name, replicas, more));
      await until(`the pods of ${name} to be Ready`, () => podsOn('n1').filter(isReady).length === before + replicas);
      setSchedulable('n2', true);
      await until('n2 to take pods', () => (server.store.read(nodes, 'n2').spec.taints ?? []).length === 0);
    },
    async budget(name, app, minAvailable) {
      server.store.create(podDisruptionBudgets, {
        metadata: { name, namespace: NAMESPACE },
        spec: { minAvailable, selector: { matchLabels: { app } } },
        status: {},
      });
      await until(`budget ${name}`, () => {
        const { status } = server.store.read(podDisruptionBudgets, name, NAMESPACE);
        return status.observedGeneration !== undefined && (status.expectedPods ?? 0) > 0;
      });
    },
    pod: (name, { metadata = {}, spec = {} } = {}) =>
      server.store.create(pods, {
        metadata: { name, namespace: NAMESPACE, ...metadata },
        spec: {
          nodeName: 'n1',
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'main', image: 'app' }],
          ...spec,
        },
      }),
    isSchedulable: () => server.store.read(nodes, 'n1').spec.unschedulable !== true,
    async close() {
      controllers.close();
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
}

function nodeNamed(name: string) {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {},
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True' }],
      nodeInfo: { kubeletVersion: 'v1.36.3' },
    },
  };
}

function deployment(
  name: string,
  replicas: number,
  { spec, strategy }: { spec?: Partial<PodSpec>; strategy?: object },
): NewObject<Workload> {
  const labels = { app: name };
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas,
      ...(strategy === undefined ? {} : { strategy }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'app' }], ...spec },
      },
    },
    status: {},
  };
}
