import { expect } from 'vitest';
import { etcdVersion } from './images.ts';
import { followChain } from './night.ts';
import { productCli } from './product-cli.ts';
import type { Scenario } from './scenario.ts';
import { expectUpgraded } from './upgraded.ts';

const path = ['1.35.8', '1.36.4', '1.37.1'] as const;

export const pathOneVerbNight: Scenario = {
  name: 'path-one-verb',
  title: 'two minors behind: one nightlift upgrade --to goes there by the minor between, each with its own snapshot',
  ci: false,
  seconds: 760,
  cluster: { controlPlanes: 1, workers: 2, version: path[0], fresh: true },
  async run(scene) {
    const [from, by, to] = path;
    const before = await etcdVersion(scene);
    const startedAt = Date.now();
    const cli = await productCli(scene, ['upgrade', '--to', to, '--yes']);
    const text = cli.lines.join('\n');
    expect([cli.code, cli.lines.at(-1)]).toEqual([
      0,
      expect.stringMatching(/^Done: 1\.35\.8 ─▶ 1\.36\.4 ─▶ 1\.37\.1, after /),
    ]);
    expect(text).toMatch(/^1\.35\.8 ─▶ 1\.36\.4 ─▶ 1\.37\.1: 2 hops × 3 nodes/);
    for (const [index, version] of [by, to].entries()) {
      expect(text).toContain(`[${index + 1}/2] Upgrading to ${version}`);
      expect(text).toContain(`Done: all 3 nodes are on ${version}.`);
    }
    expect(cli.lines.filter((line) => /^ {2}snapshot of etcd: \S+ \(\d+\.\d MB\)$/.test(line))).toHaveLength(2);
    // It is over: all of its Jobs are there to be looked at.
    const both = await followChain(scene, startedAt, 25);
    const chain = both.chain.filter(({ name }) => name.includes(to.replaceAll('.', '-')));
    const first = both.chain.filter((job) => !chain.includes(job)).map(({ name, status }) => `${name}: ${status}`);
    expect(first.toSorted()).toEqual([
      'k8s-upgrade-master-1-36-4: complete',
      'k8s-upgrade-postflight-1-36-4: complete',
      'k8s-upgrade-preflight-1-36-4: complete',
      'k8s-upgrade-worker-1-36-4-w1: complete',
      'k8s-upgrade-worker-1-36-4-w2: complete',
    ]);
    const begun = Math.min(...chain.map(({ createdAt }) => createdAt));
    const second = await expectUpgraded(scene, { ...both, startedAt: begun, chain }, by, to);
    return {
      summary: `${from} → ${by} → ${to}, etcd ${before} → ${await etcdVersion(scene)}`,
      ...(second.nodes === undefined ? {} : { nodes: second.nodes }),
    };
  },
};
