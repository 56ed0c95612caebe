import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installedFiles } from '../node/node-install.ts';
import { nodePolicy } from '../node/node-program.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { type ApiServer, startApiServer } from './api/api-server.ts';
import type { Pod } from './api/kinds.ts';
import { nodes as nodeResource } from './api/resources.ts';
import { type Controllers, startControllers } from './controllers/controllers.ts';
import type { PodRunner } from './controllers/pod-runner.ts';
import { createDeploymentObjects } from './deployment-objects.ts';
import { type JobRecords, startJobRecords } from './job-records.ts';
import { createNodeLink } from './node-link.ts';
import { nodeObject, writeMirrorPod } from './node-objects.ts';
import { type RehearsalNodes, startNodes } from './nodes/start-nodes.ts';
import { createOwnPods, ordinaryPod } from './own-pods.ts';
import { DEFAULT_SPEED, type Pace, paceOf } from './pace.ts';
import { createPerson, type Person } from './person.ts';
import { type PodLogBook, startPodLogBook } from './pod-log-lines.ts';
import { rehearsalSettings, type SettingsChanges } from './rehearsal-settings.ts';
import { type Open, type Surroundings, startSurroundings } from './surroundings.ts';
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
  /** How many ended pods are kept; default the real 12,500. */
  readonly mostEndedPods?: number;
  /** Asked before the one that starts our pods as processes of the program. */
  readonly runners?: readonly PodRunner[];
  /** A pod of ours has started as a process. */
  readonly onProcess?: (pod: Pod, child: ChildProcess) => void;
  /** Keeps the folder with the nodes' and pods' files. */
  readonly keep?: boolean;
  /** A controller that threw: a defect of the embedded cluster. By default it ends the process. */
  readonly onError?: (error: unknown) => void;
}

export interface EmbeddedCluster extends Surroundings {
  readonly topology: Topology;
  readonly pace: Pace;
  readonly directory: string;
  readonly server: ApiServer;
  readonly controllers: Controllers;
  readonly nodes: RehearsalNodes;
  readonly jobRecords: JobRecords;
  readonly logs: PodLogBook;
  /** Processes of the pods that run now, by pod name. */
  readonly processes: ReadonlyMap<string, ChildProcess>;
  /** Runs commands of the program from outside. */
  readonly person: Person;
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
  const open: Open = async (starting) => {
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
  readonly open: Open;
  readonly close: () => Promise<void>;
}

async function assemble(topology: Topology, options: EmbeddedClusterOptions, frame: Frame): Promise<EmbeddedCluster> {
  const { pace, directory, open } = frame;
  const keep = options.keep === true;
  const server = await open(startApiServer({ version: `v${topology.version}` }));
  const jobRecords = await open(startJobRecords(server.store));
  const logs = await open(startPodLogBook(server));
  const around = await startSurroundings(open, [topology.version, ...topology.published]);

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
  const { extraApiServerFlags } = topology;
  const nodes = await open(
    startNodes({
      nodes: topologyNodes(topology).map((node) => ({
        ...node,
        version: topology.version,
        ...(extraApiServerFlags === undefined ? {} : { extraApiServerFlags }),
      })),
      repoBase: around.feed.baseUrl,
      cluster: link,
      directory: made(join(directory, 'nodes')),
      timing: pace.timing,
    }),
  );
  registerNodes(server, nodes, topology);
  around.prometheus.setTargets([
    ...topologyNodes(topology)
      .filter(({ role }) => role === 'control-plane')
      .map(({ name }) => ({ job: 'apiserver', instance: `${nodes.node(name).internalIp}:6443` })),
    { job: 'prometheus', instance: 'localhost:9090' },
  ]);
  createSystemObjects(server.store, { topology, dns: around.dns });
  const matrix = options.matrix === undefined ? undefined : { addons: { matrixFile: MATRIX_FILE } };
  const endpoints = {
    feed: around.feed,
    prometheusUrl: around.prometheus.url,
    pushgatewayUrl: around.pushgateway.url,
    ssh: { user: nodes.user, port: nodes.port },
  };
  const settings = rehearsalSettings(endpoints, pace, { ...matrix, ...options.settings });
  restrictNodes(nodes, settings, options.templatesDir);
  createDeploymentObjects(server.store, {
    templatesDir: options.templatesDir,
    settings,
    ...(options.matrix === undefined ? {} : { matrix: options.matrix }),
    secrets: { ssh_key: nodes.privateKeyPem, known_hosts: nodes.knownHosts, slack_webhook: around.slack.webhookUrl },
  });
  const own = createOwnPods({ ...options, server, directory, keep });
  controllers = await open(
    startControllers(server, {
      secondMs: pace.secondMs,
      reactionMs: pace.reactionMs,
      ordinary: (pod) => ordinaryPod(pod, pace),
      ...(options.onError === undefined ? {} : { onError: options.onError }),
      ...(options.longestBackoffSeconds === undefined ? {} : { longestBackoffSeconds: options.longestBackoffSeconds }),
      ...(options.mostEndedPods === undefined ? {} : { mostEndedPods: options.mostEndedPods }),
      runners: [...(options.runners ?? []), own.runner],
    }),
  );
  const close = async (): Promise<void> => {
    const ending = own.end();
    await frame.close();
    await ending;
    // A script that was just ending on a node may make a folder of its own again: looked at until none is left.
    for (let attempt = 0, gone = 0; !keep && attempt < 20 && gone < LOOKS_WITHOUT_FOLDER; attempt += 1) {
      gone = existsSync(directory) ? 0 : gone + 1;
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const { processes } = own;
  const person = createPerson({ ...options, server, directory });
  return {
    ...around,
    topology,
    pace,
    directory,
    server,
    controllers,
    nodes,
    jobRecords,
    logs,
    processes,
    person,
    close,
  };
}

/** As `nightlift node install` on every node, where the settings want a key that can only upgrade. */
function restrictNodes({ nodes }: RehearsalNodes, text: string, templatesDir: string): void {
  const settings = parseSettings(text, 'the settings of the rehearsal');
  if (settings.ssh.access !== 'upgrade-only') return;
  const read = (folder: string) => (name: string) => readFileSync(join(templatesDir, folder, `${name}.sh`), 'utf8');
  const files = installedFiles({ scripts: read('node'), parts: read('node-program'), policy: nodePolicy(settings) });
  const texts = new Map([...files].map(([path, { text: content }]) => [path, content]));
  for (const node of nodes) node.restrict(texts);
}

/** A tenth of a second apart, after the one that has removed it. */
const LOOKS_WITHOUT_FOLDER = 3;

/** Node objects and the mirrors of their static pods, as kubelets have written them. */
function registerNodes({ store }: ApiServer, nodes: RehearsalNodes, topology: Topology): void {
  for (const node of topologyNodes(topology)) {
    const { internalIp, machine, staticPods } = nodes.node(node.name);
    const containerRuntime = `containerd://${/^[\d.]+/.exec(node.containerd)?.[0] ?? ''}`;
    const state = { kubelet: topology.version, containerRuntime, internalIp, architecture: machine.architecture };
    store.create(nodeResource, nodeObject(node, state, new Date()));
    for (const pod of staticPods()) writeMirrorPod(store, node.name, pod);
  }
}

function made(directory: string): string {
  mkdirSync(directory, { recursive: true });
  return directory;
}
