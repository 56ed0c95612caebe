import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import type { Fault, FaultScope } from '../../src/rehearsal/services/fault.ts';
import { CURRENT, logOf, NIGHT_MS, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();
const MINOR = { ...SMALL, version: '1.35.8', published: ['1.36.4'] };

function sourceOf(cluster: EmbeddedCluster, node: string): string {
  return readFileSync(cluster.nodes.node(node).machine.path('/etc/apt/sources.list.d/kubernetes.list'), 'utf8');
}

/** What a refused or unknown night must not have done. */
function expectUntouched(cluster: EmbeddedCluster): void {
  const changing = cluster.nodes.commands.matching(
    /^(kubeadm upgrade|apt-get .*install|apt-mark (un)?hold|systemctl restart)/,
  );
  expect(changing.map(({ node, argv }) => `${node}: ${argv.join(' ')}`)).toEqual([]);
  const writes = cluster.server.requests.writes.filter(({ path }) => !/\/configmaps(\/k8s-upgrade-state)?$/.test(path));
  expect(writes.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
}

describe.concurrent('package sources', { timeout: NIGHT_MS }, () => {
  const nextMinor: FaultScope = { path: /v1\.37/ };
  it.each<readonly [string, Fault, RegExp]>([
    ['an HTML page', { kind: 'garbage' }, /HTML|html/],
    ['an empty answer', { kind: 'empty' }, /empty/],
    ['a redirect ring', { kind: 'redirect-ring' }, /redirect/],
    ['a redirect to a foreign host', { kind: 'redirect-foreign', to: 'http://example.invalid/' }, /example\.invalid/],
    ['a server error', { kind: 'status', status: 500 }, /500/],
  ])('I14 %s in place of the next minor is told, and nothing is changed', async (_title, fault, says) => {
    await nights.cluster(CURRENT, async (cluster) => {
      cluster.feed.publish('1.37.1');
      cluster.feed.faults.inject(fault, nextMinor);
      cluster.feed.downloadFaults.inject(fault, nextMinor);
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('unknown');
      expect(logOf(cluster)).toMatch(says);
      expect(night.slack).not.toMatch(/No upgrade needed/);
      expectUntouched(cluster);
    });
  });

  it('D02 a failed look-up of patches never offers the minor', async () => {
    await nights.cluster(MINOR, async (cluster) => {
      cluster.feed.publish('1.35.9');
      cluster.nodes.commands.fail({ match: /^apt-get .*update/, exitCode: 100, stderr: 'E: Failed to fetch\n' });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('unknown');
      expectUntouched(cluster);
    });
  });

  it('D13 the apt source of a node moves with that node, and comes back when its packages did not move', async () => {
    await nights.cluster(MINOR, async (cluster) => {
      // Neither the simulation nor the download before the drain: the installation after it.
      cluster.nodes.commands.fail({
        node: 'worker-1',
        match: /^apt-get (?!.*(download-only| -s )).*install/,
        exitCode: 100,
        stderr: 'E: dpkg was interrupted\n',
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('failed');
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.35.8' });
      expect(sourceOf(cluster, 'control-1')).toContain('/v1.36/deb/');
      expect(sourceOf(cluster, 'worker-1')).toContain('/v1.35/deb/');
      expect(night.nodes.every(({ schedulable }) => schedulable)).toBe(true);
    });
  });
});
