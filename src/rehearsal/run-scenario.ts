import { nodeViews } from './cluster-view.ts';
import { type EmbeddedCluster, type EmbeddedClusterOptions, startEmbeddedCluster } from './embedded-cluster.ts';
import { type Night, runNight } from './night.ts';
import type { Pace } from './pace.ts';
import type { Scenario } from './scenario.ts';
import type { Topology } from './topology.ts';

export interface ScenarioResult {
  readonly night: Night;
  /** How it ended otherwise than its name says; empty when it did not. */
  readonly differences: readonly string[];
}

export interface RunOptions extends Omit<EmbeddedClusterOptions, 'settings' | 'matrix' | 'onError'> {
  readonly signal?: AbortSignal;
  /** Nodes in all; default what the scenario has. */
  readonly nodes?: number;
  readonly onStart?: (cluster: EmbeddedCluster) => void;
  readonly onTick?: (cluster: EmbeddedCluster) => void;
  readonly onEvent?: (what: string) => void;
  /** What the command of the scenario says. */
  readonly onLine?: (line: string) => void;
  /** Called with the cluster as it is after the night, before it goes. */
  readonly onEnd?: (cluster: EmbeddedCluster, result: ScenarioResult) => Promise<void> | void;
}

const EVENT_MS = 20;

/** Starts the scenario's cluster, lets its night pass, and compares how it ended with how it had to. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const { controlPlanes, workers } = scenario.topology;
  const topology = {
    ...scenario.topology,
    workers: options.nodes === undefined ? workers : options.nodes - controlPlanes,
  };
  const { settings, matrix } = scenario;
  const defects: unknown[] = [];
  const cluster = await startEmbeddedCluster(topology, {
    ...options,
    onError: (error) => defects.push(error),
    ...(settings === undefined ? {} : { settings }),
    ...(matrix === undefined ? {} : { matrix }),
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    scenario.prepare?.(cluster);
    options.onStart?.(cluster);
    const waiting = [...(scenario.events ?? [])];
    timer = setInterval(() => {
      const [next] = waiting;
      if (next === undefined || !next.when(cluster)) return;
      waiting.shift();
      options.onEvent?.(next.what);
      Promise.resolve(next.act(cluster)).catch((error: unknown) => defects.push(error));
    }, EVENT_MS);
    const night = await runNight(cluster, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      limitMs: limitMs(topology, cluster.pace),
      ...(scenario.command === undefined ? {} : { command: scenario.command }),
      onLine: (line) => options.onLine?.(line),
      onTick: () => {
        if (defects.length > 0) throw defects[0];
        options.onTick?.(cluster);
      },
    });
    const missed = waiting.map(({ what }) => `it never came to this: ${what}`);
    const result = { night, differences: [...missed, ...differencesOf(scenario, cluster, night)] };
    await options.onEnd?.(cluster, result);
    return result;
  } finally {
    clearInterval(timer);
    await cluster.close();
  }
}

/** Many times what such a night takes: only a night that hangs is given up. */
function limitMs({ controlPlanes, workers }: Topology, { waits }: Pace): number {
  const perNode = waits.soakSeconds + waits.drainSeconds + waits.readySeconds;
  return (180 + waits.alertSeconds + (controlPlanes + workers) * perNode) * 1000;
}

function differencesOf({ expect }: Scenario, cluster: EmbeddedCluster, night: Night): readonly string[] {
  const wanted = (what: string, is: unknown, should: unknown): string[] =>
    is === should ? [] : [`${what} is ${String(is)} and should be ${String(should)}`];
  const reasons = new Set(night.refusals.map(({ reason }) => reason));
  return [
    ...wanted('the outcome', night.outcome, expect.outcome),
    ...wanted('the target', night.target, expect.target),
    ...nodeViews(cluster).flatMap((node) => [
      ...wanted(`the version of ${node.name}`, node.version, expect.version(node)),
      ...(node.role === 'control-plane'
        ? wanted(`the API server of ${node.name}`, node.apiServer, expect.version(node))
        : []),
      ...wanted(`schedulable of ${node.name}`, node.schedulable, true),
      ...(expect.down?.(node) === true ? [] : wanted(`Ready of ${node.name}`, node.ready, true)),
    ]),
    ...(expect.reasons ?? [])
      .filter((reason) => !reasons.has(reason))
      .map((reason) => `no refusal has the reason ${reason}`),
    ...(expect.reasons === undefined ? night.refusals.map(({ message }) => `something was refused: ${message}`) : []),
    ...(expect.report.test(night.slack) ? [] : [`the report does not say ${expect.report.source}`]),
    ...(expect.also?.(cluster, night) ?? []),
  ];
}
