import { join, resolve } from 'node:path';
import { jobViews } from '../src/rehearsal/cluster-view.ts';
import { runScenario } from '../src/rehearsal/run-scenario.ts';
import type { ScenarioName } from '../src/rehearsal/scenario-names.ts';
import { scenarioNamed } from '../src/rehearsal/scenarios.ts';

/**
 * API requests of a night, by the program that sent them: they must not grow with the nodes when there is nothing to
 * do, and grow by the same number for each node when there is. Run it after `npm run build`: node bench/night.ts
 */
const ROOT = resolve(import.meta.dirname, '..');
const NIGHTS: readonly { readonly scenario: ScenarioName; readonly nodes: number }[] = [
  { scenario: 'nothing', nodes: 3 },
  { scenario: 'nothing', nodes: 8 },
  { scenario: 'patch', nodes: 3 },
  { scenario: 'patch', nodes: 5 },
];

for (const { scenario, nodes } of NIGHTS) {
  const started = performance.now();
  await runScenario(scenarioNamed(scenario), {
    nodes,
    program: join(ROOT, 'dist/nightlift.cjs'),
    templatesDir: join(ROOT, 'templates'),
    onEnd(cluster, { differences }) {
      const ours = cluster.server.requests.records.filter(({ userAgent }) => userAgent.startsWith('nightlift'));
      const counts = Map.groupBy(ours, ({ userAgent }) => /\((.*)\)/.exec(userAgent)?.[1] ?? userAgent);
      const seconds = jobViews(cluster).map(({ name, seconds: took }) => `${name} ${took} s`);
      console.log(
        `${scenario}, ${nodes} nodes: ${ours.length} API requests (${[...counts].map(([who, list]) => `${who} ${list.length}`).join(', ')}) in ${((performance.now() - started) / 1000).toFixed(0)} s${differences.length === 0 ? '' : `; but ${differences.join('; ')}`}`,
      );
      if (scenario === 'nothing') console.log(`  ${seconds.join(', ')}`);
    },
  });
}
