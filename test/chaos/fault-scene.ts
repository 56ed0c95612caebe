import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPhase } from '../../src/chain/run-phase.ts';
import type { PhaseName, Step } from '../../src/chain/step.ts';
import { isWorthAnotherTry } from '../../src/chain/worth-another-try.ts';
import { detect } from '../../src/detect/detect.ts';
import { NightliftError, reasonOf } from '../../src/errors.ts';
import { STATE } from '../../src/observe/first-seen.ts';
import { phaseOf } from '../../src/phases/phases.ts';
import { configMaps, jobs, namespaces, nodes as nodeResource } from '../../src/rehearsal/api/resources.ts';
import { nodeViews } from '../../src/rehearsal/cluster-view.ts';
import { NAMESPACE } from '../../src/rehearsal/deployment-objects.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { TEMPLATES } from '../rehearsal/program.ts';
import { TEST_ACCESS } from './access.ts';
import { type FaultyTcp, startFaultyTcp } from './faulty-tcp.ts';
import { type InProcessOptions, inProcessDeps } from './in-process-deps.ts';
import { inertPods } from './inert-pods.ts';
import { backUpNode, type NodeBackup } from './node-backup.ts';

export type ScenePhase = 'check' | PhaseName;

/** How a phase ended, and what it left. */
export interface Ending {
  /** advanced, finished, started, refused REASON, unknown, paused, failed (not worth another try), retry. */
  readonly kind: string;
  readonly message: string;
  /** Names of the chain Jobs that there are now. */
  readonly jobs: readonly string[];
  readonly cordoned: readonly string[];
  /** Nodes whose kubelet or kubeadm is another than before. */
  readonly changed: readonly string[];
  readonly log: readonly string[];
}

export interface FaultScene {
  readonly phase: ScenePhase;
  readonly cluster: EmbeddedCluster;
  readonly ssh: FaultyTcp;
  run(options?: Partial<InProcessOptions>): Promise<Ending>;
  /** Everything as it was before the phase. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const TARGET = '1.36.4';
const STEPS: Readonly<Record<PhaseName, Step>> = {
  preflight: { phase: 'preflight' },
  master: { phase: 'master', node: 'control-1' },
  worker: { phase: 'worker', node: 'worker-1' },
  postflight: { phase: 'postflight' },
};

/** Waits that end a case within a second, and deadlines that a busy machine still keeps. */
function quick(settings: Settings): Settings {
  return {
    ...settings,
    waits: {
      ...settings.waits,
      pollSeconds: 0.02,
      settleSeconds: 0,
      soakSeconds: 0.05,
      alertSeconds: 1.2,
      apiSeconds: 1.2,
      readySeconds: 4,
      drainSeconds: 4,
      snapshotSeconds: 8,
      lockSeconds: 15,
    },
  };
}

/** A cluster on which one phase can be run again and again from the same state, in this process, over real protocols. */
export async function startFaultScene(phase: ScenePhase, topology: Topology): Promise<FaultScene> {
  const cluster = await startEmbeddedCluster(topology, {
    program: '/nobody/starts/it',
    templatesDir: TEMPLATES,
    speed: 4000,
    pace: { apiAwayMs: 20, secondMs: 5 },
    runners: [inertPods()],
    settings: { snapshot: { required: true }, ssh: { access: TEST_ACCESS } },
  });
  const directory = mkdtempSync(join(tmpdir(), 'nightlift-scene-'));
  const ssh = await startFaultyTcp(
    cluster.nodes.nodes.map(({ internalIp }) => internalIp),
    cluster.nodes.port,
  );
  const throughProxy = (settings: Settings): Settings => ({
    ...quick(settings),
    ssh: { ...settings.ssh, port: ssh.port },
  });
  const knownHosts = cluster.nodes.knownHosts.replaceAll(`:${cluster.nodes.port} `, `:${ssh.port} `);

  const runStep = async (step: Step | 'check', options: Partial<InProcessOptions>): Promise<Ending> => {
    const log: string[] = [];
    const before = versionsOf(cluster);
    const { settings: change } = options;
    const { deps, close } = inProcessDeps(cluster, {
      knownHosts,
      lossDeadlineMs: 400,
      role: step === 'check' ? 'detector' : 'phase',
      ...options,
      settings: (read) => (change ?? ((same: Settings) => same))(throughProxy(read)),
      writeLine: (line) => log.push(line),
    });
    try {
      const signal = new AbortController().signal;
      const end = await (step === 'check'
        ? ofDetection(detect(deps, signal))
        : ofPhase(runPhase(phaseOf(step.phase), step, TARGET, deps, signal)));
      return {
        ...end,
        jobs: cluster.server.store.list(jobs, { namespace: NAMESPACE }).map(({ metadata }) => metadata.name),
        cordoned: nodeViews(cluster)
          .filter(({ schedulable }) => !schedulable)
          .map(({ name }) => name),
        changed: [...versionsOf(cluster)]
          .filter(([name, version]) => before.get(name) !== version)
          .map(([name]) => name),
        log,
      };
    } finally {
      await close();
    }
  };

  for (const step of preparation(phase)) {
    const end = await runStep(step, {});
    if (end.kind !== 'advanced') throw new Error(`preparing ${phase}: ${JSON.stringify(end, null, 1)}`);
  }
  await clearJobs(cluster);
  const { store } = cluster.server;
  if (phase === 'postflight') markRun(cluster);
  const kubeadmConfig = store.read(configMaps, 'kubeadm-config', 'kube-system').data ?? {};
  const backups: NodeBackup[] = cluster.nodes.nodes.map((node) => backUpNode(node, directory));
  return {
    phase,
    cluster,
    ssh,
    run: async (options = {}) => await runStep(phase === 'check' ? 'check' : STEPS[phase], options),
    async reset() {
      ssh.set(undefined);
      cluster.nodes.commands.clearRules();
      cluster.server.faults.clear();
      for (const { faults } of [cluster.feed, cluster.prometheus, cluster.pushgateway, cluster.slack]) faults.clear();
      await clearJobs(cluster);
      for (const backup of backups) await backup.restore();
      for (const { metadata } of store.list(nodeResource)) {
        store.modify(nodeResource, metadata.name, undefined, (draft) => {
          delete draft.spec.unschedulable;
          for (const key of Object.keys(draft.metadata.annotations ?? {}))
            if (key.startsWith('nightlift')) delete draft.metadata.annotations?.[key];
        });
      }
      store.modify(namespaces, NAMESPACE, undefined, (draft) => {
        for (const key of Object.keys(draft.metadata.annotations ?? {}))
          if (key.startsWith('nightlift')) delete draft.metadata.annotations?.[key];
      });
      if (phase === 'postflight') markRun(cluster);
      if (store.get(configMaps, STATE, NAMESPACE) !== undefined) store.delete(configMaps, STATE, NAMESPACE);
      store.modify(configMaps, 'kubeadm-config', 'kube-system', (draft) => {
        draft.data = { ...kubeadmConfig };
      });
      // A static pod that changes takes the API server away for a moment.
      while (!cluster.server.availability.isUp) await pause();
    },
    async close() {
      await ssh.close();
      await cluster.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The steps that have been done before the phase begins. */
function preparation(phase: ScenePhase): readonly Step[] {
  if (phase === 'worker') return [STEPS.master];
  if (phase === 'postflight') return [STEPS.master, STEPS.worker, { phase: 'worker', node: 'worker-2' }];
  return [];
}

function markRun({ server: { store } }: EmbeddedCluster): void {
  store.modify(namespaces, NAMESPACE, undefined, (draft) => {
    draft.metadata.annotations = {
      ...draft.metadata.annotations,
      'nightlift/k8s-upgrade-in-flight': new Date().toISOString(),
      'nightlift/k8s-upgrade-target': TARGET,
    };
  });
}

async function clearJobs({ server: { store } }: EmbeddedCluster): Promise<void> {
  for (const { metadata } of store.list(jobs))
    store.delete(jobs, metadata.name, metadata.namespace, { propagationPolicy: 'Background' });
  while (store.list(jobs).length > 0) await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

function versionsOf(cluster: EmbeddedCluster): Map<string, string> {
  return new Map(
    cluster.nodes.nodes.map(({ name, machine }) => [
      name,
      `${machine.kubelet.running} ${machine.packages.get('kubeadm')?.version} ${machine.packages.get('kubelet')?.version}`,
    ]),
  );
}

type Told = Pick<Ending, 'kind' | 'message'>;

async function ofDetection(running: ReturnType<typeof detect>): Promise<Told> {
  return await told(running, (end) => [
    end.kind === 'refused' ? `refused ${end.findings.map(({ reason }) => reason).join(' ')}` : end.kind,
    'reason' in end ? end.reason : 'findings' in end ? end.findings.map(({ message }) => message).join('; ') : '',
  ]);
}

async function ofPhase(running: ReturnType<typeof runPhase>): Promise<Told> {
  return await told(running, (end) => [
    end.kind === 'refused' ? `refused ${end.findings.map(({ reason }) => reason).join(' ')}` : end.kind,
    'reason' in end ? end.reason : 'findings' in end ? end.findings.map(({ message }) => message).join('; ') : '',
  ]);
}

async function told<T>(running: Promise<T>, tell: (end: T) => readonly [string, string]): Promise<Told> {
  try {
    const [kind, message] = tell(await running);
    return { kind, message };
  } catch (error) {
    if (!(error instanceof NightliftError)) throw error;
    return { kind: isWorthAnotherTry(error) ? 'retry' : 'failed', message: reasonOf(error) };
  }
}
