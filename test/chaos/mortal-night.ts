import type { Access } from '../../src/node/ssh-node-shell.ts';
import { cronJobs, nodes } from '../../src/rehearsal/api/resources.ts';
import { NAMESPACE } from '../../src/rehearsal/deployment-objects.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { type Night, runNight } from '../../src/rehearsal/night.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { TEMPLATES } from '../rehearsal/program.ts';
import { TEST_ACCESS } from './access.ts';
import { clusterState, unitsLeft } from './cluster-state.ts';
import { createCommandMemory } from './command-memory.ts';
import { mortalPods } from './mortal-pods.ts';
import { startRunWatch } from './run-watch.ts';

export interface MortalNights {
  /** What the cluster is like after the last night. */
  readonly state: unknown;
  readonly unitsLeft: readonly string[];
  readonly violations: readonly string[];
  readonly cordons: ReadonlyMap<string, number>;
  readonly nights: readonly Night[];
  /** The end of what the pods said. */
  readonly log: string;
}

export interface MortalNightOptions {
  readonly topology: Topology;
  readonly target: string;
  readonly foreignCordons: readonly string[];
  readonly access?: Access;
  /** The setting `drain.mode: patch-without`. */
  readonly withoutDrain?: boolean;
  readonly decide: (key: string) => boolean;
}

const MOST_NIGHTS = 6;

/** Nights of a new cluster whose Jobs die where `decide` says, until one brings the upgrade to its end. */
export async function mortalNights(options: MortalNightOptions): Promise<MortalNights> {
  const defects: unknown[] = [];
  let cluster: EmbeddedCluster | undefined;
  const memory = createCommandMemory();
  const started = await startEmbeddedCluster(options.topology, {
    program: '/nobody/starts/it',
    templatesDir: TEMPLATES,
    speed: 6000,
    pace: { secondMs: 5, apiAwayMs: 30, podMs: 5, reactionMs: 3, staticPodMs: 10, snapshotMs: 10 },
    longestBackoffSeconds: 1,
    // A process that is killed three hundred times leaves three hundred pods, and every list would have them.
    mostEndedPods: 8,
    settings: {
      ssh: { access: options.access ?? TEST_ACCESS },
      job: { retries: 100_000, deadlineSeconds: 1_000_000 },
      waits: { pollSeconds: 0.03, alertSeconds: 60, readySeconds: 60 },
      drain: { mode: options.withoutDrain === true ? 'patch-without' : 'always' },
      quiesce: [{ kind: 'Deployment', namespace: 'shop', name: 'worker' }],
    },
    runners: [
      mortalPods({
        cluster: () => {
          if (cluster === undefined) throw new Error('a pod starts before its cluster');
          return cluster;
        },
        decide: options.decide,
        memory,
        onDefect: (error) => defects.push(error),
      }),
    ],
    onError: (error) => defects.push(error),
  });
  cluster = started;
  const { store } = started.server;
  // A detection that dies a hundred times is tried a hundred times: the next night would do, and take longer.
  store.modify(cronJobs, 'k8s-version-check', NAMESPACE, (draft) => {
    draft.spec.jobTemplate.spec.backoffLimit = 100_000;
    draft.spec.jobTemplate.spec.activeDeadlineSeconds = 1_000_000;
  });
  for (const name of options.foreignCordons) cordonByHand(started, name);
  const watch = startRunWatch(started, options);
  try {
    const nights: Night[] = [];
    while (
      nights.length < MOST_NIGHTS &&
      nights.at(-1)?.outcome !== 'upgraded' &&
      nights.at(-1)?.outcome !== 'nothing'
    ) {
      nights.push(
        await runNight(started, {
          limitMs: 400_000,
          onTick: () => {
            if (defects.length > 0) throw defects[0];
          },
        }),
      );
    }
    return {
      state: clusterState(started),
      unitsLeft: unitsLeft(started),
      violations: watch.violations(),
      cordons: watch.cordons(),
      nights,
      log: endOfLog(started),
    };
  } catch (error) {
    throw new Error(`the end of the log:\n${endOfLog(started)}`, { cause: error });
  } finally {
    watch.close();
    await started.close();
  }
}

function cordonByHand({ server }: EmbeddedCluster, name: string): void {
  server.store.modify(nodes, name, undefined, (draft) => {
    draft.spec.unschedulable = true;
  });
}

function endOfLog(cluster: EmbeddedCluster): string {
  return cluster.logs
    .lines()
    .slice(-60)
    .map(({ pod, message, fields }) => `${pod} ${message} ${JSON.stringify(fields)}`)
    .join('\n');
}
