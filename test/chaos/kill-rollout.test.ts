import { describe, expect, it } from 'vitest';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, useNights, versionsOf } from '../rehearsal/nights.ts';
import { FIVE_WORKERS, watchAway } from '../rehearsal/watch-away.ts';
import { createStepKiller } from './step-killer.ts';

const nights = useNights();
const KUBEADM = /^kubeadm upgrade (apply|node)/;

describe('several workers at a time, whose Jobs are killed at every step', { timeout: NIGHT_MS }, () => {
  it('I08 I12 D20 come to their end, never three away, and kubeadm has upgraded each of them once', async () => {
    const killer = createStepKiller('kill');
    await nights.cluster(
      FIVE_WORKERS,
      async (cluster) => {
        const watch = watchAway(cluster);
        const night = await runNight(cluster);
        watch.close();
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect(killer.kills.length).toBeGreaterThan(40);
        expect(watch.most()).toBe(2);
        expect(new Set(Object.values(versionsOf(night)))).toEqual(new Set(['1.36.4']));
        expect(night.nodes.filter(({ schedulable }) => !schedulable)).toEqual([]);
        const runs = cluster.nodes.nodes.map(({ name }) => [
          name,
          cluster.nodes.commands.matching(KUBEADM, name).map(({ exitCode }) => exitCode),
        ]);
        expect(runs).toEqual(cluster.nodes.nodes.map(({ name }) => [name, [0]]));
      },
      {
        settings: { rollout: { maxUnavailable: 2 }, job: { retries: 1000 } },
        longestBackoffSeconds: 5,
        onProcess: (pod, child) => {
          if (/worker-[23]$/.test(pod.metadata.labels?.['batch.kubernetes.io/job-name'] ?? ''))
            killer.attach(pod, child);
        },
      },
    );
  });
});
