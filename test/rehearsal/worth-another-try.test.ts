import { describe, expect, it } from 'vitest';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, nightWith, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();

function unitOn(cluster: EmbeddedCluster, node: string, phase: string) {
  const units = cluster.nodes.node(node).machine.units;
  return [...units.entries()].find(([name]) => name.startsWith(`nightlift-${phase}-`))?.[1];
}

describe('a node script is killed while its Job lives', { timeout: NIGHT_MS }, () => {
  it.for([
    { node: 'control-1', phase: 'master', during: /^kubeadm upgrade apply/ },
    { node: 'worker-1', phase: 'worker', during: /^systemctl restart kubelet/ },
  ])('I01 I08 in the $phase step: the Job is tried again, and nobody is woken', async ({ node, phase, during }) => {
    await nights.cluster(SMALL, async (cluster) => {
      const { commands } = cluster.nodes;
      commands.fail({ match: during, waitMs: 60_000, times: 1, node });
      const night = await nightWith(
        cluster,
        () => commands.matching(during, node).length > 0,
        () => unitOn(cluster, node, phase)?.kill('SIGKILL'),
      );
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.36.4' });
      expect(logOf(cluster)).toContain('the command was killed: signal KILL');
      expect(cluster.slack.messages.map(({ text }) => text).filter((text) => text.includes('FAILED'))).toEqual([]);
      const succeeded = commands
        .matching(/^kubeadm upgrade (apply|node)/, node)
        .filter(({ exitCode }) => exitCode === 0);
      expect(succeeded).toHaveLength(1);
    });
  });
});

describe('an image that no registry has', { timeout: NIGHT_MS }, () => {
  it('I06 is asked for as often as the Job may, nothing is drained, and one message says it at once', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        for (const { knobs } of cluster.nodes.nodes) knobs.missingImages.add('registry.k8s.io/kube-scheduler:v1.36.4');
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('failed');
        const texts = cluster.slack.messages.map(({ text }) => text);
        expect(
          texts.filter((text) => text.includes('FAILED — preflight')),
          logOf(cluster),
        ).toHaveLength(2);
        expect(texts[0]).toMatch(/kube-scheduler:v1\.36\.4/);
        expect(cluster.server.requests.records.filter(({ path }) => path.endsWith('/eviction'))).toEqual([]);
      },
      { settings: { job: { retries: 1 } }, longestBackoffSeconds: 1 },
    );
  });
});
