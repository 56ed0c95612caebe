import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, SMALL, useNights } from './nights.ts';

const nights = useNights();

it(
  'a single control plane whose API server is away for longer than the lock lasts is upgraded without a retry',
  async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        const night = await runNight(cluster, { limitMs: NIGHT_MS });
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect(night.jobs.filter(({ status }) => status === 'failed')).toEqual([]);
        const log = logOf(cluster);
        expect(log).toContain('the lock of the chain is lost');
        expect(log).toContain('beginning the phase anew, with the lock taken anew');
        // One pod for each Job: the lock was taken anew by the process that had lost it.
        expect([...cluster.logs.text().keys()].filter((pod) => pod.startsWith('k8s-upgrade-master'))).toHaveLength(1);
        for (const node of cluster.nodes.nodes) {
          const [generation] = readFileSync(node.machine.path('/var/lib/nightlift/lock-generation'), 'utf8').split(' ');
          expect(Number(generation)).toBeGreaterThan(Date.now() - NIGHT_MS);
        }
      },
      { settings: { waits: { lockSeconds: 2 } }, pace: { apiAwayMs: 4000 } },
    );
  },
  NIGHT_MS,
);
