import { describe, expect, it } from 'vitest';
import { namespaces } from '../../src/rehearsal/api/resources.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();
const HOUR_MS = 3_600_000;
const clockTime = (ms: number): string => new Date(ms).toISOString().slice(11, 16);

describe.concurrent('a night with a window', { timeout: NIGHT_MS }, () => {
  it('is as any other while it is open, and leaves no measure behind', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect(logOf(cluster)).toContain('note-took: record how long the node took');
        const annotations = cluster.server.store.get(namespaces, 'k8s-upgrade', '')?.metadata.annotations;
        expect(annotations).toBeDefined();
        expect(Object.keys(annotations ?? {}).filter((key) => /-(took|begun)$/.test(key))).toEqual([]);
      },
      { settings: { window: { start: '00:00', end: '00:00' } } },
    );
  });

  it('does not begin a node that would not be finished, which it leaves in service', async () => {
    const opened = Date.now() - 2 * HOUR_MS;
    await nights.cluster(
      SMALL,
      async (cluster) => {
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('paused');
        expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.36.3' });
        expect(night.nodes.every(({ schedulable }) => schedulable)).toBe(true);
        expect(night.messages.join('\n')).toMatch(/worker-1 would take .*\(an estimate\).* it is not begun/);
      },
      {
        settings: {
          window: { start: clockTime(opened), end: clockTime(opened + 23 * HOUR_MS) },
          waits: { soakSeconds: 80_000 },
        },
      },
    );
  });
});
