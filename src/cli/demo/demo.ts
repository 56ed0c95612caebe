import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from '../../environment.ts';
import { NightliftError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { DEFAULT_SPEED } from '../../rehearsal/pace.ts';
import { runScenario, type ScenarioResult } from '../../rehearsal/run-scenario.ts';
import type { Scenario } from '../../rehearsal/scenario.ts';
import { SCENARIO_NAMES } from '../../rehearsal/scenario-names.ts';
import { scenarioNamed } from '../../rehearsal/scenarios.ts';
import { type Call, EXIT, flag, text } from '../call/command.ts';
import { paint } from '../call/output.ts';
import { liveProgress } from './live-progress.ts';
import { plainProgress } from './plain-progress.ts';
import { printSlack } from './slack-text.ts';

const MOST_NODES = 30;
/** Of what a command says, the lines that the table does not show: its way, where it is, how it ends. */
const OF_THE_PATH = /^(\d+\.\d+\.\d+ ─▶|\[\d+\/\d+\] |Done: |Hop |Stopped |Refused: )/;

export async function run(call: Call): Promise<number> {
  const { output, signal } = call;
  const scenario = scenarioOf(call);
  const speed = numberOf(call, 'speed', { least: 1, most: 3600, whole: false }) ?? DEFAULT_SPEED;
  const { controlPlanes } = scenario.topology;
  const nodes = numberOf(call, 'nodes', {
    least: controlPlanes + scenario.leastWorkers,
    most: MOST_NODES,
    whole: true,
  });
  const keep = flag(call, 'keep');
  const startedAt = Date.now();
  const progress =
    output.format !== 'text'
      ? undefined
      : output.terminal
        ? liveProgress(output, { scenario, speed, startedAt })
        : plainProgress(output, { scenario, speed });
  let kept = '';
  let requests = { api: 0, ssh: 0, http: 0 };
  let result: ScenarioResult;
  try {
    result = await runScenario(scenario, {
      program: programFile(),
      templatesDir: readEnvironment().templatesDir,
      speed,
      keep,
      signal,
      ...(nodes === undefined ? {} : { nodes }),
      onStart: ({ directory }) => {
        if (keep) kept = directory;
      },
      onTick: (cluster) => progress?.tick(cluster),
      onEvent: (what) => progress?.event(what),
      onLine: (line) => {
        if (OF_THE_PATH.test(line)) progress?.event(line);
      },
      onEnd: (cluster) => {
        progress?.tick(cluster);
        const { server, nodes: machines } = cluster;
        requests = { api: server.requests.records.length, ssh: machines.sshRequests(), http: cluster.httpRequests() };
      },
    });
  } finally {
    progress?.end();
    if (kept !== '') output.note(`Kept: ${kept}`);
  }
  show(call, scenario, result, { requests, seconds: Math.round((Date.now() - startedAt) / 1000) });
  return result.differences.length === 0 ? EXIT.done : EXIT.failed;
}

interface Counts {
  readonly requests: { readonly api: number; readonly ssh: number; readonly http: number };
  readonly seconds: number;
}

function show(
  { output }: Call,
  scenario: Scenario,
  { night, differences }: ScenarioResult,
  { requests, seconds }: Counts,
): void {
  printSlack(output, [...night.messages, night.slack]);
  const asNamed = differences.length === 0;
  const ended = `${scenario.name}: ${night.outcome}${night.target === null ? '' : `, target ${night.target}`}, after ${seconds} s`;
  output.line(
    asNamed
      ? paint(output, 'green', `✔ ${ended}, as it should be.`)
      : paint(output, 'red', `✘ ${ended}, and not as it should be:`),
  );
  for (const difference of differences) {
    output.line(`  - ${difference}`);
    if (output.format !== 'text')
      output.note(`nightlift: ${scenario.name} did not end as its name says: ${difference}`);
  }
  output.line(
    paint(
      output,
      'dim',
      `  ${requests.api} requests to the API server, ${requests.ssh} commands over SSH, ${requests.http} requests over HTTP`,
    ),
  );
  output.json({
    scenario: scenario.name,
    outcome: night.outcome,
    target: night.target,
    nodes: night.nodes.map(({ name, role, version, schedulable }) => ({ name, role, version, schedulable })),
    jobs: night.jobs.map(({ name, phase, node, runner, status, seconds: took }) => ({
      name,
      phase,
      node,
      runner,
      status,
      seconds: took,
    })),
    refusals: night.refusals,
    slack: night.slack,
    messages: night.messages,
    requests,
    differences,
  });
}

function scenarioOf(call: Call): Scenario {
  const asked = text(call, 'scenario') ?? 'patch';
  const name = SCENARIO_NAMES.find((one) => one === asked);
  if (name !== undefined) return scenarioNamed(name);
  const close = nearest(asked, SCENARIO_NAMES);
  throw new NightliftError(
    'usage',
    `reading --scenario: there is no "${asked}"${close === undefined ? '' : `; did you mean "${close}"?`}`,
    {
      remedy: `There are: ${SCENARIO_NAMES.join(', ')}.`,
    },
  );
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

function numberOf(call: Call, name: string, { least, most, whole }: Range): number | undefined {
  const given = call.values[name];
  if (given === undefined) return undefined;
  const value = typeof given === 'string' && /^\d+(\.\d+)?$/.test(given.trim()) ? Number(given) : Number.NaN;
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new NightliftError(
    'usage',
    `reading --${name}: "${String(given)}" is no ${whole ? 'whole ' : ''}number from ${least} to ${most}`,
    {
      remedy:
        name === 'nodes'
          ? 'The scenario needs its control planes and the workers that it is about.'
          : `nightlift demo --${name} ${name === 'speed' ? DEFAULT_SPEED : least}`,
    },
  );
}

/** The pods run what this process runs: the bundle itself, or, from source, the one that was built last. */
function programFile(): string {
  const own = import.meta.filename;
  if (own.endsWith('.cjs')) return own;
  const built = join(import.meta.dirname, '../../..', 'dist', 'nightlift.cjs');
  if (existsSync(built)) return built;
  throw new NightliftError('config', `looking for the program that the pods run: ${built} does not exist`, {
    remedy: 'node build.mjs',
  });
}
