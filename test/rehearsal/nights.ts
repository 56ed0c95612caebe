import { afterAll, beforeAll } from 'vitest';
import {
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
  startEmbeddedCluster,
} from '../../src/rehearsal/embedded-cluster.ts';
import { type Night, runNight } from '../../src/rehearsal/night.ts';
import { type RunOptions, runScenario, type ScenarioResult } from '../../src/rehearsal/run-scenario.ts';
import type { ScenarioName } from '../../src/rehearsal/scenario-names.ts';
import { scenarioNamed } from '../../src/rehearsal/scenarios.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { buildProgram, type Program, TEMPLATES } from './program.ts';

/** Faster than the demo, whose waits are there to be seen. */
const SPEED = 2000;
/** With the time that a night waits for its turn. */
export const NIGHT_MS = 600_000;
/** Nights of one file at a time: a night mostly waits, but not for nothing. */
const AT_ONCE = 2;

export const PATCH: Topology = { controlPlanes: 1, workers: 2, version: '1.36.3', published: ['1.36.4'] };
export const SMALL: Topology = { ...PATCH, workers: 1 };
/** For nights with a worker less to evict to. */
export const ANYWHERE: Topology = { ...PATCH, applicationsEverywhere: true };
export const CURRENT: Topology = { ...SMALL, version: '1.36.4', published: [] };

type ClusterOptions = Omit<EmbeddedClusterOptions, 'program' | 'templatesDir' | 'onError'>;

export interface Nights {
  scenario(name: ScenarioName, options?: Partial<RunOptions>): Promise<ScenarioResult>;
  /** A cluster for the time of `body`. What its controllers threw fails the test. */
  cluster<T>(topology: Topology, body: (cluster: EmbeddedCluster) => Promise<T>, options?: ClusterOptions): Promise<T>;
}

/** For a test file: the program is built before it, and removed after it. */
export function useNights(): Nights {
  let program: Program | undefined;
  beforeAll(() => {
    program = buildProgram();
  });
  afterAll(() => program?.remove());
  const common = () => ({ program: program?.file ?? '', templatesDir: TEMPLATES, speed: SPEED });
  const inTurn = createTurns(AT_ONCE);
  return {
    scenario: (name, options = {}) =>
      inTurn(async () => await runScenario(scenarioNamed(name), { ...common(), ...options })),
    cluster: (topology, body, options = {}) =>
      inTurn(async () => {
        const defects: unknown[] = [];
        const onError = (error: unknown): void => void defects.push(error);
        const cluster = await startEmbeddedCluster(topology, { ...common(), ...options, onError });
        try {
          const result = await body(cluster);
          if (defects.length > 0) throw defects[0];
          return result;
        } finally {
          await cluster.close();
        }
      }),
  };
}

/** Lets so many run at a time; the others wait in their order. */
function createTurns(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}

/** Runs a night and does something once, at the moment that `when` gives. */
export async function nightWith(
  cluster: EmbeddedCluster,
  when: () => boolean,
  act: () => Promise<void> | void,
): Promise<Night> {
  let acted = false;
  let acting: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    if (acted || !when()) return;
    acted = true;
    acting = Promise.resolve(act());
  }, 10);
  try {
    const night = await runNight(cluster);
    await acting;
    if (!acted) throw new Error('the moment for it never came');
    return night;
  } finally {
    clearInterval(timer);
  }
}

/** All that the pods said, for the message of a failed expectation. */
export function logOf(cluster: EmbeddedCluster): string {
  return [...cluster.logs.text()].map(([pod, text]) => `── ${pod}\n${text}`).join('\n');
}

export function versionsOf(night: Pick<Night, 'nodes'>): Readonly<Record<string, string>> {
  return Object.fromEntries(night.nodes.map(({ name, version }) => [name, version]));
}
