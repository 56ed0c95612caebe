import { expect } from 'vitest';
import { nextPatch } from './next-patch.ts';
import { followChain } from './night.ts';
import { productCli } from './product-cli.ts';
import { runningVersion } from './provide-scene.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { expectUpgraded } from './upgraded.ts';

export const hostNight: Scenario = {
  name: 'host',
  title: 'nightlift upgrade --to, from a machine outside: it starts the chain in the cluster and follows it to the end',
  ci: false,
  seconds: 330,
  cluster: { controlPlanes: 1, workers: 2, version: '1.36.3' },
  async run(scene) {
    const from = await runningVersion(scene.lab);
    const to = await nextPatch(scene);
    const startedAt = Date.now();
    const [cli, chain] = await Promise.all([
      productCli(scene, ['upgrade', '--to', to, '--yes']),
      chainOf(scene, startedAt),
    ]);
    expect(cli.lines.at(-1)).toBe(`Done: all ${scene.lab.nodes.length} nodes are on ${to}.`);
    expect(cli.code).toBe(0);
    const text = cli.lines.join('\n');
    expect(text).toContain('Started: the chain goes on by itself');
    for (const job of chain.chain) expect(text).toContain(`${job.name}: complete`);
    // It says what it sees on the way, a control plane that is alone in the cluster being away included.
    expect(text).toContain('the API server is away');
    for (const { name } of scene.lab.nodes) expect(text).toMatch(new RegExp(`${name}: .*cordoned`));
    return expectUpgraded(scene, chain, from, to);
  },
};

async function chainOf(scene: Scene, startedAt: number) {
  await scene.logs.waitFor(
    'the first Job of the chain',
    (line) => line.time >= startedAt && line.phase === 'preflight',
  );
  return followChain(scene, startedAt, 25);
}
