import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectLogs } from '../lab/collect-logs.ts';
import { labRoot } from '../lab/lab-paths.ts';
import { readSlack } from './defects.ts';
import { readUses } from './permission-audit.ts';
import { closeScene, provideScene } from './provide-scene.ts';
import { keepResult } from './results.ts';
import { type ResultLine, readRunSettings } from './run-settings.ts';
import { saveNight } from './saved-night.ts';
import type { Scenario, ScenarioResult } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import type { Scene } from './scene.ts';

const settings = readRunSettings();

function logOf({ name }: Scenario): (line: string) => void {
  return (line) => {
    const seconds = ((Date.now() - settings.began) / 1000).toFixed(0);
    process.stderr.write(`[${seconds.padStart(5)} s] ${name}: ${line}\n`);
  };
}

async function play(scenario: Scenario): Promise<ScenarioResult> {
  const log = logOf(scenario);
  log(scenario.title);
  let started = Date.now();
  let scene: Scene | undefined;
  const write = async (result: Pick<ResultLine, 'passed' | 'summary'> & Partial<ScenarioResult>): Promise<void> => {
    const seconds = (Date.now() - started) / 1000;
    const uses = scene === undefined ? [] : await readUses(scene.lab, started);
    const line = { name: scenario.name, seconds, at: new Date().toISOString(), uses, lanes: settings.lanes, ...result };
    await appendFile(settings.results, `${JSON.stringify(line)}\n`);
    await keepResult(scenario.name, line);
  };
  try {
    scene = await provideScene(scenario.cluster, settings.lane, log);
    started = Date.now();
    const result = await scenario.run(scene);
    await write({ passed: true, ...result });
    return result;
  } catch (error) {
    await write({ passed: false, summary: String(error).split('\n')[0] ?? '' });
    if (scene !== undefined) await keepEvidence(scene, scenario.name);
    throw error;
  } finally {
    if (scene !== undefined) await endScene(scene, scenario.name);
  }
}

/** The pods' logs are kept of every night: the only copy, since drains take finished pods along. */
async function endScene(scene: Scene, name: string): Promise<void> {
  await closeScene(scene);
  const directory = path.join(labRoot(), 'nights');
  await mkdir(directory, { recursive: true });
  const lines = scene.logs
    .lines()
    .filter(({ time }) => time >= scene.startedAt)
    .toSorted((one, other) => one.time - other.time);
  await writeFile(
    path.join(directory, `${name}.txt`),
    lines.map((line) => `${line.pod} on ${line.runner}: ${line.raw}\n`).join(''),
  );
  await saveNight(name, {
    nodes: scene.lab.nodes.length,
    slack: [...(await readSlack(scene, scene.startedAt))],
    lines,
  });
}

async function keepEvidence({ lab, log }: Scene, name: string): Promise<void> {
  const directory = path.join(labRoot(), 'failed', `${name}-${new Date().toISOString().replaceAll(':', '')}`);
  await mkdir(directory, { recursive: true });
  await collectLogs(lab, directory).catch((error: unknown) => log(`collecting logs: ${String(error)}`));
  log(`what there is to read about it: ${directory}, and nights/${name}.txt beside it`);
}

describe('the product in the cluster, as users run it', () => {
  for (const name of settings.lane.scenarios) {
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`looking for the scenario ${name}: there is none of that name`);
    it(`${name}: ${scenario.title}`, async () => {
      expect((await play(scenario)).summary).not.toBe('');
    });
  }
});
