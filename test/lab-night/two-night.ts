import { expect } from 'vitest';
import { readSlack } from './defects.ts';
import { nextPatch } from './next-patch.ts';
import { runNight } from './night.ts';
import { productCli } from './product-cli.ts';
import { runningVersion } from './provide-scene.ts';
import { saidSince } from './said-since.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';
import { watchEndpoint } from './watch-endpoint.ts';

/** With each control plane: it is looked for once a second, for three seconds at most, and by the Service instead of the balancer. */
const CLOSE_MS = 10_000;
const warning = /etcd has two members and no quorum while one of them restarts.*: cp1, cp2/;

export const twoNight: Scenario = {
  name: 'two',
  title:
    'two control planes, whose etcd has no quorum while one restarts: that is said before, and after it for how long',
  ci: false,
  seconds: 480,
  cluster: { controlPlanes: 2, workers: 1, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const plan = await productCli(scene, ['plan', '--target', to]);
    expect(plan.lines.join('\n')).toMatch(/two control planes: .* API server is away for a minute or two with each/);
    const gate = await productCli(scene, ['gate', '--target', to]);
    expect(gate.code).toBe(0);
    expect(gate.lines.join('\n')).toMatch(warning);
    const watch = await watchEndpoint(scene.lab.kubeconfig);
    const night = await runNight(scene, 35);
    const { away } = await watch.stop();
    const awayMs = away.reduce((sum, { since, until }) => sum + until - since, 0);
    for (const { since, until } of away)
      scene.log(`no list from ${new Date(since).toISOString()} on, for ${((until - since) / 1000).toFixed(1)} s`);
    const result = await expectUpgraded(scene, night, from, to);
    expect(saidSince(scene, night.startedAt)).toMatch(warning);
    const slack = await readSlack(scene, night.startedAt);
    const said = slack.flatMap((text) => saidAway(text) ?? []);
    const summary = `${result.summary}, API away for ${(awayMs / 1000).toFixed(0)} s, said to be ${said.map((ms) => ms / 1000).join(' and ')} s`;
    scene.log(summary);
    expect(said).toHaveLength(2);
    for (const ms of said) expect(Math.abs(ms - awayMs), summary).toBeLessThan(CLOSE_MS);
    return { ...result, summary };
  },
};

/** `1 min 35 s` */
function saidAway(text: string): number | undefined {
  const said = /The API server was away for (?:(\d+) min ?)?(?:(\d+) s )?(?:of it|meanwhile)\./.exec(text);
  return said === null ? undefined : (Number(said[1] ?? 0) * 60 + Number(said[2] ?? 0)) * 1000;
}
