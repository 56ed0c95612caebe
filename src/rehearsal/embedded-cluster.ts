import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiServer, startApiServer } from './api/api-server.ts';
import type { Pod } from './api/kinds.ts';
import { nodes as nodeResource } from './api/resources.ts';
import { type Controllers, startControllers } from './controllers/controllers.ts';
import type { OrdinaryBehaviour } from './controllers/ordinary-runner.ts';
import type { PodRunner } from './controllers/pod-runner.ts';
import { processRunner } from './controllers/process-runner.ts';
import { createDeploymentObjects, OWN_IMAGE, SNAPSHOT_IMAGE } from './deployment-objects.ts';
import { type JobRecords, startJobRecords } from './job-records.ts';
import { createNodeLink } from './node-link.ts';
import { nodeObject, writeMirrorPod } from './node-objects.ts';
import { type RehearsalNodes, startNodes } from './nodes/start-nodes.ts';
import { DEFAULT_SPEED, type Pace, paceOf } from './pace.ts';
import { type PodLogBook, startPodLogBook } from './pod-log-lines.ts';
import { rehearsalSettings, type SettingsChanges } from './rehearsal-settings.ts';
import { type DnsService, startDns } from './services/dns.ts';
import { type PackageFeed, startPackageFeed } from './services/package-feed.ts';
import { type Prometheus, startPrometheus } from './services/prometheus.ts';
import { type Pushgateway, startPushgateway } from './services/pushgateway.ts';
import { type Slack, startSlack } from './services/slack.ts';
import { createSystemObjects } from './system-objects.ts';
import { type Topology, topologyNodes } from './topology.ts';

export interface EmbeddedClusterOptions {
  /** The bundled program: what the pods run. */
  readonly program: string;
  readonly templatesDir: string;
  /** How many times faster than a real night; default 300. */
  readonly speed?: number;
  /** Over the settings that the rehearsal needs. */
  readonly settings?: SettingsChanges;
  /** Text of the operator's addon matrix. */
  readonly matrix?: string;
  /** Over what `speed` gives. */
  readonly pace?: Partial<Pace>;
  /** Longest time between two pods of a Job whose pods fail, in seconds of Kubernetes; default the real 600. */
  readonly longestBackoffSeconds?: number;
  /** Asked before the one that starts our pods as processes of the program. */
  readonly runners?: readonly PodRunner[];
  /** A pod of ours has started as a process. */
  readonly onProcess?: (pod: Pod, child: ChildProcess) => void;
  /** Keeps the folder with the nodes' and pods' files. */
  readonly keep?: boolean;
  /** A controller that threw: a defect of the embedded cluster. By default it ends the process. */
  readonly onError?: (error: unknown) => void;
}

export interface EmbeddedCluster {
  readonly topology: Topology;
  readonly pace: Pace;
  readonly directory: string;
  readonly server: ApiServer;
  readonly controllers: Controllers;
  readonly nodes: RehearsalNodes;
  readonly feed: PackageFeed;
  readonly prometheus: Prometheus;
  readonly pushgateway: Pushgateway;
  readonly slack: Slack;
  readonly dns: DnsService;
  readonly jobRecords: JobRecords;
  readonly logs: PodLogBook;
  /** Processes of the pods that run now, by pod name. */
  readonly processes: ReadonlyMap<string, ChildProcess>;
  /** HTTP requests to feed, Prometheus, Pushgateway and Slack so far. */
  httpRequests(): number;
  close(): Promise<void>;
}

/** The operator's matrix where the settings look for it: beside them, in their ConfigMap. */
const MATRIX_FILE = '/config/addons.yaml';

/** Starts a whole cluster with everything around it on loopback. Nothing is written outside a temporary folder. */
export async function startEmbeddedCluster(
  topology: Topology,
  options: EmbeddedClusterOptions,
): Promise<EmbeddedCluster> {
  const pace = { ...paceOf(options.speed ?? DEFAULT_SPEED), ...options.pace };
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-rehearsal-'));
  const opened: (() => Promise<void> | void)[] = [
    () => {
      if (options.keep !== true) rmSync(directory, { recursive: true, force: true });
    },
  ];
  const close = async (): Promise<void> => {
    // In reverse: nobody is left who writes into a folder that is being removed.
    for (let next = opened.pop(); next !== undefined; next = opened.pop()) await next();
  };
  const open = async <T extends { close(): Promise<void> | void }>(starting: Promise<T> | T): Promise<T> => {
    const started = await starting;
    opened.push(() => started.close());
    return started;
  };
  try {
    return await assemble(topology, options, { pace, directory, open, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Frame {
  readonly pace: Pace;
  readonly directory: string;
  readonly open: <T extends { close(): Promise<void> | void }>(starting: Promise<T> | T) => Promise<T>;
  readonly close: () => Promise<void>;
}

async function assemble(topology: Topology, options: EmbeddedClusterOptions, frame: Frame): Promise<EmbeddedCluster> {
  const { pace, directory, open } = frame;
  const server = await open(startApiServer({ version: `v${topology.version}` }));
  const jobRecords = await open(startJobRecords(server.store));
  const logs = await open(startPodLogBook({ server }));
  const feed = await open(startPackageFeed({ versions: [topology.version, ...topology.published] }));
  const prometheus = await open(startPrometheus());
  const pushgateway = await open(startPushgateway());
  const slack = await open(startSlack());
  const dns = await open(startDns());

  let controllers: Controllers | undefined;
  const link = createNodeLink({
    server,
    controlPlanes: topology.controlPlanes,
    apiAwayMs: pace.apiAwayMs,
    staticPodMs: pace.staticPodMs,
    controllers: () => {
      if (controllers === undefined) throw new Error('a node reports before the controllers have started');
      return controllers;
    },
  });
  const planned = topologyNodes(topology);
  const nodes = await open(
    startNodes({
      nodes: planned.map((node) => ({
        ...node,
        version: topology.version,
        ...(topology.extraApiServerFlags === undefined ? {} : { extraApiServerFlags: topology.extraApiServerFlags }),
      })),
      repoBase: feed.baseUrl,
      cluster: link,
      directory: made(join(directory, 'nodes')),
      timing: pace.timing,
    }),
  );
  for (const node of planned) {
    const { internalIp, machine } = nodes.node(node.name);
    const containerRuntime = `containerd://${/^[\d.]+/.exec(node.containerd)?.[0] ?? ''}`;
    const state = { kubelet: topology.version, containerRuntime, internalIp, architecture: machine.architecture };
    server.store.create(nodeResource, nodeObject(node, state, new Date()));
    for (const pod of nodes.node(node.name).staticPods()) writeMirrorPod(server.store, node.name, pod);
  }
  createSystemObjects(server.store, { topology, dns });
  const settings = rehearsalSettings(
    {
      feed,
      prometheusUrl: prometheus.url,
      pushgatewayUrl: pushgateway.url,
      ssh: { user: nodes.user, port: nodes.port },
    },
    pace,
    { ...(options.matrix === undefined ? {} : { addons: { matrixFile: MATRIX_FILE } }), ...options.settings },
  );
  createDeploymentObjects(server.store, {
    templatesDir: options.templatesDir,
    settings,
    ...(options.matrix === undefined ? {} : { matrix: options.matrix }),
    secrets: { ssh_key: nodes.privateKeyPem, known_hosts: nodes.knownHosts, slack_webhook: slack.webhookUrl },
  });

  const processes = new Map<string, ChildProcess>();
  controllers = await open(
    startControllers(server, {
      secondMs: pace.secondMs,
      ordinary: (pod) => ordinaryPod(pod, pace),
      ...(options.onError === undefined ? {} : { onError: options.onError }),
      ...(options.longestBackoffSeconds === undefined ? {} : { longestBackoffSeconds: options.longestBackoffSeconds }),
      runners: [
        ...(options.runners ?? []),
        processRunner({
          store: server.store,
          caPem: server.caPem,
          tokenFor: (account) => server.access.serviceAccountToken(account),
          accepts: ({ image }) => image === OWN_IMAGE,
          program: [options.program],
          podsDirectory: made(join(directory, 'pods')),
          apiHost: '127.0.0.1',
          apiPort: server.port,
          extraEnv: {
            NIGHTLIFT_TEMPLATES: options.templatesDir,
            // One cache for all pods, where the image has its own.
            NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
          },
          keepRoots: options.keep === true,
          onProcess: (pod, child) => {
            const { name } = pod.metadata;
            processes.set(name, child);
            child.once('close', () => processes.delete(name));
            options.onProcess?.(pod, child);
          },
        }),
      ],
    }),
  );
  const close = async (): Promise<void> => {
    const running = [...processes.values()];
    await frame.close();
    await Promise.all(running.map(ended));
    // What was still being written while the folder went.
    if (options.keep !== true) rmSync(directory, { recursive: true, force: true });
  };
  return {
    ...{
      topology,
      pace,
      directory,
      server,
      controllers,
      nodes,
      feed,
      prometheus,
      pushgateway,
      slack,
      dns,
      jobRecords,
      logs,
      processes,
      close,
    },
    httpRequests: () =>
      [feed, prometheus, pushgateway, slack].reduce(
        (sum, { requests }) => sum + requests.length,
        feed.downloads.length,
      ),
  };
}

function made(directory: string): string {
  mkdirSync(directory, { recursive: true });
  return directory;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Pods of applications only have to be there; the backup's ends by itself with the line that the runbook's ends with. */
function ordinaryPod(pod: Pod, pace: Pace): OrdinaryBehaviour {
  if (pod.spec.containers[0]?.image !== SNAPSHOT_IMAGE) return { startMs: pace.podMs, stopMs: pace.podMs };
  const file = `/backup/etcd-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}.db`;
  return {
    startMs: pace.podMs,
    log: `Snapshot saved at ${file}\nBackup done: ${file} (7340064 bytes)`,
    exit: { afterMs: pace.snapshotMs, code: 0 },
  };
}
