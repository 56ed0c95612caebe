import { describe, expect, it } from 'vitest';
import { cronJobs } from '../../src/rehearsal/api/resources.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();

describe('a night of a cluster without a CronJob for snapshots', { timeout: NIGHT_MS }, () => {
  it('D21 takes and proves one over SSH, and upgrades', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      cluster.server.store.delete(cronJobs, 'backup-etcd', 'default');
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.36.4' });
      expect(logOf(cluster)).toMatch(/an etcd started from it has 321 keys/);
      expect(cluster.nodes.commands.matching(/snapshot save/).map(({ node }) => node)).toEqual(['control-1']);
    });
  });
});
