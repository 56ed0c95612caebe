import { describe, expect, it } from 'vitest';
import { podDisruptionBudgets } from '../../src/rehearsal/api/resources.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { scenarioNamed } from '../../src/rehearsal/scenarios.ts';
import { CURRENT, logOf, NIGHT_MS, SMALL, useNights } from './nights.ts';

const nights = useNights();

describe('a block of the detection', { timeout: NIGHT_MS }, () => {
  it('is said at once on the first night, and on the second only in the morning', async () => {
    const { topology, prepare, settings } = scenarioNamed('blocked');
    await nights.cluster(
      topology,
      async (cluster) => {
        prepare?.(cluster);
        const first = await runNight(cluster);
        expect(first.messages, logOf(cluster)).toEqual([
          expect.stringMatching(/^\*🔴 BLOCKED \(action needed\) — 1\.36\.4\*\nNothing was changed\./),
        ]);
        expect(first.messages[0]).toContain('cert-manager');
        const second = await runNight(cluster);
        expect(second.messages).toEqual([]);
        expect(second.slack).toMatch(/^\*🔴 BLOCKED/);
      },
      settings === undefined ? {} : { settings },
    );
  });

  it('waits for the morning where the setting says so', async () => {
    const { topology, prepare, settings } = scenarioNamed('blocked');
    await nights.cluster(
      topology,
      async (cluster) => {
        prepare?.(cluster);
        const { messages, slack } = await runNight(cluster);
        expect([messages, slack]).toEqual([[], expect.stringContaining('BLOCKED')]);
      },
      { settings: { ...settings, sayNewBlocksAtOnce: false } },
    );
  });
});

describe('the message of the morning', { timeout: NIGHT_MS }, () => {
  it('needs no Pushgateway to know that the detector has looked', async () => {
    await nights.cluster(
      CURRENT,
      async (cluster) => {
        const { slack } = await runNight(cluster);
        expect(slack, logOf(cluster)).toMatch(/^\*⚪ No upgrade needed\*\n/);
        expect(slack).toMatch(/Detector: last ran .* ago, fresh ✓/);
      },
      { settings: { pushgatewayUrl: '' } },
    );
  });

  it('does not promise that the next run starts it while dryRun is on', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        const { slack } = await runNight(cluster);
        expect(slack, logOf(cluster)).toContain('no run starts it: the setting `dryRun` is on');
        expect(slack).not.toContain('the next run starts it');
        expect(slack).toContain('Detected target: *1.36.4*');
      },
      { settings: { dryRun: true, pushgatewayUrl: '' } },
    );
  });

  it('calls a Job that refused and took back what it is, with and without a Pushgateway', async () => {
    const { topology, prepare, settings } = scenarioNamed('pdb');
    for (const pushgatewayUrl of [{}, { pushgatewayUrl: '' }])
      await nights.cluster(
        topology,
        async (cluster) => {
          prepare?.(cluster);
          expect(cluster.server.store.list(podDisruptionBudgets)).not.toEqual([]);
          const { slack } = await runNight(cluster);
          expect(slack, logOf(cluster)).toMatch(/^• 🔴 k8s-upgrade-(worker|preflight)-1-36-4\S*: refused/m);
          expect(slack).toMatch(/^\*🔴 BLOCKED/);
        },
        { settings: { ...settings, ...pushgatewayUrl } },
      );
  });
});
