import { readFileSync } from 'node:fs';
import type { Clock } from '../../src/clock.ts';
import type { Cluster, JobManifest, LeaseFact } from '../../src/cluster/cluster.ts';
import type { Deps } from '../../src/deps.ts';
import { exampleNode } from '../../src/facts/example-facts.ts';
import type { JobFact } from '../../src/facts/facts.ts';
import { KUBEADM_IMAGES } from '../../src/facts/image-sources.ts';
import type { NodeFact } from '../../src/facts/node-fact.ts';
import { controlPlanes } from '../../src/facts/nodes.ts';
import type { Log, LogFields } from '../../src/log.ts';
import type { Gauge } from '../../src/metrics/metrics.ts';
import type { NodeShell } from '../../src/node/node-shell.ts';
import type { Message } from '../../src/notify/notifier.ts';
import { Settings } from '../../src/settings/settings.ts';
import type { Staging } from '../../src/staging/staging.ts';
import { surveyOutputOf } from './survey-output.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

/** What the deciders are given and what they did with it. Change the state between two looks; read `seen` afterwards. */
export interface ExampleWorld {
  readonly deps: Deps;
  /** That of `deps`, unless another one was given. */
  readonly clock: VirtualClock;
  nodes: readonly NodeFact[];
  /** By name, in our namespace. */
  readonly jobs: Map<string, JobFact>;
  /** data of ConfigMaps by namespace/name. */
  readonly configMaps: Map<string, Record<string, string>>;
  /** On our namespace. */
  readonly annotations: Map<string, string>;
  lease: LeaseFact | undefined;
  readonly seen: {
    readonly log: { readonly level: string; readonly message: string; readonly fields: LogFields }[];
    readonly gauges: Map<string, number>;
    readonly cleared: string[];
    readonly messages: Message[];
    /** Calls of the cluster that change something, in order: 'cordon w1'. */
    readonly changes: string[];
    readonly created: JobManifest[];
  };
  /** Seconds that have passed by sleeping. */
  passed(): number;
}

export interface WorldOptions {
  readonly nodes?: readonly NodeFact[];
  /** As in the settings file. */
  readonly settings?: object;
  /** Instead of the parts that are here; what neither has throws with its name. */
  readonly cluster?: Partial<Cluster>;
  readonly deps?: Partial<Omit<Deps, 'cluster' | 'settings'>>;
}

const NOW = Date.parse('2026-11-21T23:00:00Z');
const TEMPLATES = new URL('../../templates/', import.meta.url);

/** A cluster that is a few maps and a clock that stands still until somebody sleeps: for tests of what decides. */
export function exampleWorld(options: WorldOptions = {}): ExampleWorld {
  const clock = virtualClock(NOW);
  const world: Omit<ExampleWorld, 'deps'> = {
    nodes: options.nodes ?? ['cp-1', 'worker-1', 'worker-2'].map((name) => exampleNode(name)),
    jobs: new Map(),
    configMaps: new Map(),
    annotations: new Map(),
    lease: undefined,
    seen: { log: [], gauges: new Map(), cleared: [], messages: [], changes: [], created: [] },
    clock,
    passed: () => clock.passed() / 1000,
  };
  const { nodes, pods } = { ...clusterOf(world, clock), ...options.cluster };
  const deps: Deps = {
    cluster: strict<Cluster>('cluster', {
      ...clusterOf(world, clock),
      ...nodeViews(nodes),
      ...podViews(pods),
      ...options.cluster,
    }),
    shell: strict<NodeShell>('shell', { run: onlySurveys }),
    alerts: {
      active: async () => [],
      deprecatedApis: async () => [],
      apiServers: async () => ({ lookbackHours: 168, instances: controlPlanes(world.nodes).map(scrapedFor) }),
      targetsUp: async () => ({ apiserver: 1 }),
    },
    feed: { minor: async () => null },
    staging: strict<Staging>('staging', {}),
    metrics: {
      push: async (_, gauges: readonly Gauge[]) => {
        for (const { name, value } of gauges) world.seen.gauges.set(name, value);
      },
      clear: async (group) => void world.seen.cleared.push(group),
      read: async () => [],
    },
    notifier: { send: async (message) => void world.seen.messages.push(message) },
    clock,
    log: logOf(world.seen.log),
    templates: {
      job: () => readFileSync(new URL('job.yaml', TEMPLATES), 'utf8'),
      node: (name) => readFileSync(new URL(`node/${name}.sh`, TEMPLATES), 'utf8'),
    },
    settings: Settings.parse({ job: { image: 'nightlift:test' }, ...options.settings }),
    identity: 'pod-a',
    inCluster: true,
    hasNodeKey: true,
    addonMatrix: () => undefined,
    ...options.deps,
  };
  return Object.assign(world, { deps });
}

/** The other ways to read nodes, over a list of them. */
export function nodeViews(
  nodes: Cluster['nodes'] = async () => [],
): Pick<Cluster, 'node' | 'controlPlanes' | 'outlines'> {
  return {
    node: async (name, signal) => (await nodes(signal)).find((node) => node.name === name),
    controlPlanes: async (signal) => (await nodes(signal)).filter(({ role }) => role === 'control-plane'),
    outlines: nodes,
  };
}

/** The other ways to read pods, over a list of them. */
export function podViews(
  pods: Cluster['pods'] = async () => [],
): Pick<Cluster, 'pods' | 'foldPods' | 'readiness' | 'leavingPods' | 'podCount'> {
  return {
    pods,
    podCount: async (signal) => (await pods({}, signal)).length,
    foldPods: async (where, start, see, signal) => {
      const state = start();
      for (const pod of await pods(where, signal)) see(state, pod);
      return state;
    },
    // As by a server that knows no tables.
    readiness: async (where, start, see, signal) => {
      const state = start();
      for (const pod of await pods(where, signal)) if (!['Succeeded', 'Failed'].includes(pod.phase)) see(state, pod);
      return { ready: 0, state };
    },
    leavingPods: async (signal) => (await pods({}, signal)).filter(({ deleting }) => deleting),
  };
}

/** Nodes that say what they are, and do nothing else. */
const onlySurveys: NodeShell['run'] = async (node, { name }) => {
  if (name !== 'survey') throw new Error(`running ${name}.sh is not part of this example`);
  return { exitCode: 0, stdout: surveyOutputOf(node.name), stderr: '' };
};

/** What is asked of it and is not there fails with its name, so that a test sees what it has left out. */
function strict<T extends object>(port: string, parts: Partial<T>): T {
  return new Proxy(parts as T, {
    get: (_, name) =>
      (parts as Record<string | symbol, unknown>)[name] ??
      (() => Promise.reject(new Error(`${port}.${String(name)} is not part of this example`))),
  });
}

function logOf(lines: ExampleWorld['seen']['log'], bound: LogFields = {}): Log {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => logOf(lines, { ...bound, ...fields }),
  };
}

function clusterOf(world: Omit<ExampleWorld, 'deps'>, clock: Clock): Partial<Cluster> {
  const { seen } = world;
  const change = (name: string, fields: Partial<NodeFact>): void => {
    world.nodes = world.nodes.map((node) => (node.name === name ? { ...node, ...fields } : node));
  };
  return {
    nodes: async () => world.nodes,
    imageSources: async () => KUBEADM_IMAGES,
    etcdConfiguration: async (target) =>
      `{"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration","kubernetesVersion":"v${target}"}`,
    kubeadmApi: async () => 'kubeadm.k8s.io/v1beta4',
    serverVersion: async () => world.nodes.find(({ apiServer }) => apiServer !== null)?.apiServer ?? '1.36.3',
    serverTime: async () => clock.now(),
    awayMs: () => 0,
    lookForAway: async () => undefined,
    health: async () => ({ ok: true, detail: 'ok' }),
    workloads: async () => [],
    budgets: async () => [],
    pods: async () => [],
    podWarnings: async () => [],
    allowed: async () => true,
    configMap: async (namespace, name) => world.configMaps.get(`${namespace}/${name}`),
    writeConfigMap: async (namespace, name, data) => {
      const key = `${namespace}/${name}`;
      world.configMaps.set(key, { ...world.configMaps.get(key), ...data });
    },
    changeRecord: async (name, edit) => {
      const key = `k8s-upgrade/${name}`;
      const next = edit(world.configMaps.get(key)?.['run']);
      if (next !== undefined) world.configMaps.set(key, { run: next });
    },
    records: async () =>
      [...world.configMaps].flatMap(([key, { run }]) => (/-run-\d\d$/.test(key) && run !== undefined ? [run] : [])),
    clusterName: async () => 'kubernetes',
    otherNodes: async () => [],
    namespaceAnnotations: async () => Object.fromEntries(world.annotations),
    annotateNamespace: async (_, annotations) => {
      for (const [key, value] of Object.entries(annotations)) {
        if (value === null) world.annotations.delete(key);
        else world.annotations.set(key, value);
      }
    },
    cordon: async (name, by) => {
      seen.changes.push(`cordon ${name}`);
      change(name, { schedulable: false, cordonedBy: by });
    },
    uncordon: async (name) => {
      seen.changes.push(`uncordon ${name}`);
      const isOurs = world.nodes.some((node) => node.name === name && node.cordonedBy !== null);
      change(name, { pendingSince: null, excludedSince: null });
      if (isOurs) change(name, { schedulable: true, cordonedBy: null });
    },
    mark: async (name, as, at) => {
      seen.changes.push(`mark ${name} ${as}`);
      change(name, as === 'pending' ? { pendingSince: at } : { excludedSince: at });
    },
    markUnfinished: async (name, target, _, finished) => {
      seen.changes.push(`mark ${name} ${target ?? 'finished'}`);
      change(name, { unfinished: target, finished: finished ?? null, failed: null });
    },
    markFailed: async (name, failed) => {
      seen.changes.push(`mark ${name} failed`);
      change(name, { failed });
    },
    quiescedWorkloads: async () => [],
    jobs: async () => [...world.jobs.values()],
    job: async (name) => world.jobs.get(name),
    createJob: async (manifest) => {
      const { name } = manifest.metadata;
      if (world.jobs.has(name)) return 'exists';
      seen.changes.push(`create ${name}`);
      seen.created.push(manifest);
      world.jobs.set(name, exampleJob(name, { createdAt: clock.now().toISOString() }));
      return 'created';
    },
    deleteJob: async (name) => {
      seen.changes.push(`delete ${name}`);
      world.jobs.delete(name);
    },
    cronJob: async () => undefined,
    lease: async () => world.lease,
    leases: async () => new Map(),
    writeLease: async (_, lease, version) => {
      if (world.lease?.version !== version) return false;
      world.lease = { ...lease, version: `${Number(version ?? 0) + 1}` };
      return true;
    },
    rebootLock: async () => undefined,
  };
}

/** An active Job of the chain; what a test is about it gives itself. */
export function exampleJob(name: string, fields: Partial<JobFact> = {}): JobFact {
  const [phase = '', ...rest] = name.replace(/^k8s-upgrade-/, '').split('-');
  return {
    name,
    phase,
    target: rest.slice(0, 3).join('.'),
    node: null,
    runner: null,
    status: 'active',
    reason: '',
    createdAt: '2026-11-21T23:00:00Z',
    finishedAt: null,
    ...fields,
  };
}

/** What a Prometheus says that has always scraped it. */
function scrapedFor({ internalIp }: NodeFact) {
  return { job: 'apiserver', instance: `${internalIp}:6443`, up: true, since: '2026-01-01T00:00:00.000Z' };
}
