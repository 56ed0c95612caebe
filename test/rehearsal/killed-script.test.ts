import { describe, expect, it } from 'vitest';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
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
