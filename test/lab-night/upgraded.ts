import { expect } from 'vitest';
import { defectsAfter, readSlack } from './defects.ts';
import { type FollowedChain, runReport } from './night.ts';
import type { ScenarioResult } from './scenario.ts';
import type { Scene } from './scene.ts';
import { sharesOfNight, sumOfNight } from './shares.ts';

/** The end of every night that succeeds: state, then Slack, then where the time went. */
export async function expectUpgraded(
  scene: Scene,
  night: FollowedChain,
  from: string,
  to: string,
): Promise<ScenarioResult> {
  expect(night.chain.filter((job) => job.status !== 'complete').map((job) => `${job.name} ${job.status}`)).toEqual([]);
  expect(night.chain.length).toBeGreaterThan(0);
  expect(await defectsAfter(scene, to)).toEqual([]);
  await runReport(scene);
  const slack = await readSlack(scene, night.startedAt);
  for (const text of slack) scene.log(text.replaceAll('\n', ' | '));
  expect(slack.filter((text) => text.includes('✅ K8s upgrade complete') && text.includes(to))).toHaveLength(1);
  expect(slack.at(-1)).toContain(`🟢 UPGRADED — all nodes now on ${to}`);
  const nodes = await sharesOfNight(scene.lab, scene.logs, night);
  return { summary: `${from} → ${to}`, shares: sumOfNight(night, nodes), nodes };
}
