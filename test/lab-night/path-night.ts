import { expect } from 'vitest';
import { etcdVersion } from './images.ts';
import { runNight } from './night.ts';
import type { Scenario, ScenarioResult } from './scenario.ts';
import type { Scene } from './scene.ts';
import { addShares } from './shares.ts';
import { expectUpgraded } from './upgraded.ts';

const path = ['1.35.8', '1.36.4', '1.37.1'] as const;

export const pathNight: Scenario = {
  name: 'path',
  title: 'two minors behind: one minor a night, never two at once, each with its own etcd',
  ci: false,
  seconds: 760,
  cluster: { controlPlanes: 1, workers: 2, version: path[0], fresh: true },
  async run(scene) {
    const first = await minorNightOf(scene, path[0], path[1]);
    const second = await minorNightOf(scene, path[1], path[2]);
    return {
      summary: `${first.summary}; ${second.summary}`,
      ...(first.shares === undefined || second.shares === undefined
        ? {}
        : { shares: addShares(first.shares, second.shares) }),
      nodes: [...(first.nodes ?? []), ...(second.nodes ?? [])],
    };
  },
};

async function minorNightOf(scene: Scene, from: string, to: string): Promise<ScenarioResult> {
  const before = await etcdVersion(scene);
  const result = await expectUpgraded(scene, await runNight(scene), from, to);
  const after = await etcdVersion(scene);
  expect(after).not.toBe(before);
  scene.log(`a night is over: ${result.summary}, etcd ${before} → ${after}`);
  return { ...result, summary: `${result.summary}, etcd ${before} → ${after}` };
}
