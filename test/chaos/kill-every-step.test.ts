import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodes } from '../../src/rehearsal/api/resources.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { type Night, runNight } from '../../src/rehearsal/night.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { buildProgram, type Program, TEMPLATES } from '../rehearsal/program.ts';
import { clusterState, unitsLeft } from './cluster-state.ts';
import { type RunWatch, startRunWatch } from './run-watch.ts';
import { createStepKiller, type StepKiller } from './step-killer.ts';

const TARGET = '1.36.4';
const MOST_NIGHTS = 25;
/** Who dies at the line that says that the Job is there finds it there, and says something else. */
const ONCE: ReadonlySet<string> = new Set(['k8s-version-check: after created Job']);
/** A minor of several control planes has every step that a patch has, a minor, and one control plane; their every point is in kill-*. */
const TOPOLOGY: Topology = { controlPlanes: 3, workers: 2, version: '1.35.8', published: [TARGET] };
const CORDONED = ['control-2'];

let program: Program;
beforeAll(() => {
  program = buildProgram();
});
afterAll(() => program.remove());

interface Ended {
  readonly state: unknown;
  readonly unitsLeft: readonly string[];
  readonly violations: readonly string[];
  readonly cordons: ReadonlyMap<string, number>;
  readonly nights: readonly Night[];
  readonly kills: readonly string[];
}

/** Nights until one passes in which nothing was killed and the upgrade is there. */
async function nightsOf(killer: StepKiller): Promise<Ended> {
  const defects: unknown[] = [];
  const cluster = await startEmbeddedCluster(TOPOLOGY, {
    program: program.file,
    templatesDir: TEMPLATES,
    speed: 2000,
    longestBackoffSeconds: 5,
    settings: {
      job: { retries: 1000 },
      // A Job that was killed after it had made the next one comes back and gives the lock to it.
      waits: { alertSeconds: 60 },
      drain: { markPending: { preferNoSchedule: true, excludeFromLoadBalancers: true } },
      quiesce: [{ kind: 'Deployment', namespace: 'shop', name: 'worker' }],
    },
    onError: (error) => defects.push(error),
    onProcess: (pod, child) => killer.attach(pod, child),
  });
  let watch: RunWatch | undefined;
  try {
    for (const name of CORDONED) {
      cluster.server.store.modify(nodes, name, undefined, (draft) => {
        draft.spec.unschedulable = true;
      });
    }
    watch = startRunWatch(cluster, { foreignCordons: CORDONED, target: TARGET });
    const nights = await untilQuiet(cluster, killer);
    if (defects.length > 0) throw defects[0];
    return {
      state: clusterState(cluster),
      unitsLeft: unitsLeft(cluster),
      violations: watch.violations(),
      cordons: watch.cordons(),
      nights,
      kills: killer.kills,
    };
  } catch (error) {
    throw new Error(`${logOf(cluster)}\n\nkilled so far: ${killer.kills.length}`, { cause: error });
  } finally {
    watch?.close();
    await cluster.close();
  }
}

async function untilQuiet(cluster: EmbeddedCluster, killer: StepKiller): Promise<readonly Night[]> {
  const nights: Night[] = [];
  while (nights.length < MOST_NIGHTS) {
    const before = killer.kills.length;
    const night = await runNight(cluster, { limitMs: 600_000 });
    nights.push(night);
    if (killer.kills.length === before && (night.outcome === 'upgraded' || night.outcome === 'nothing')) return nights;
  }
  throw new Error(`${MOST_NIGHTS} nights were not enough: ${nights.map(({ outcome }) => outcome).join(', ')}`);
}

function logOf(cluster: EmbeddedCluster): string {
  return cluster.logs
    .lines()
    .slice(-80)
    .map(({ pod, message, fields }) => `${pod} ${message} ${JSON.stringify(fields)}`)
    .join('\n');
}

describe('a run is killed at every step', { timeout: 1_800_000 }, () => {
  it('I08 I12 I17 D08 D20 it ends as a night in which nothing was killed', async () => {
    const spared = createStepKiller('spare');
    const whole = await nightsOf(spared);
    expect(whole.violations).toEqual([]);
    const started = process.cpuUsage();
    const killer = createStepKiller('kill');
    const killed = await nightsOf(killer);
    const { user, system } = process.cpuUsage(started);
    console.log(
      `${killed.kills.length} kills in ${killed.nights.length} nights (${killed.nights.map(({ outcome }) => outcome).join(', ')}), ${Math.round((user + system) / 1e6)} s of CPU in this process`,
    );
    expect([...spared.points].filter((point) => !killer.points.has(point) && !ONCE.has(point))).toEqual([]);
    expect(killed.violations).toEqual([]);
    expect(killed.state).toEqual(whole.state);
    expect([...whole.unitsLeft, ...killed.unitsLeft]).toEqual([]);
    expect(killed.cordons).toEqual(whole.cordons);
  });
});
