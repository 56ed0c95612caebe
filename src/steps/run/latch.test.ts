import { describe, expect, it } from 'vitest';
import { TARGET } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import { clearLatch, setLatch } from './latch.ts';

const NOW = '2026-11-21T23:00:00.000Z';
const EARLIER = '2026-11-21T21:00:00.000Z';
const unix = (time: string): number => Date.parse(time) / 1000;

/** By the keys of the record. */
function scene(record: Readonly<Record<string, string>> = {}) {
  const world = exampleWorld();
  for (const [key, value] of Object.entries(record)) world.annotations.set(`nightlift/k8s-upgrade-${key}`, value);
  const recorded = (): object =>
    Object.fromEntries(
      [...world.annotations].map(([key, value]) => [key.replace('nightlift/k8s-upgrade-', ''), value]),
    );
  return { world, recorded, context: contextIn(world, { phase: 'preflight' }) };
}

describe('set-latch', () => {
  it.each([
    ['a first run from now', {}, NOW, 0],
    [
      'a resumed run from its beginning, with its snapshot',
      { 'in-flight': EARLIER, target: TARGET, 'snapshot-path': '/a.db' },
      EARLIER,
      1,
    ],
    ['a resumed run without a snapshot', { 'in-flight': EARLIER, target: TARGET }, EARLIER, 0],
    [
      'a run for another target from now, without the snapshot of the earlier one',
      { 'in-flight': EARLIER, target: '1.36.3', 'snapshot-path': '/a.db' },
      NOW,
      0,
    ],
    ['a run whose beginning is not recorded from now', { target: TARGET, 'snapshot-path': '/a.db' }, NOW, 1],
  ])('counts %s', async (_title, record, startedAt, snapshotTaken) => {
    const { world, recorded, context } = scene({ ...record, stopped: 'it stopped', 'stopped-at': EARLIER });
    await setLatch.run(context);
    const { 'snapshot-path': path, target } = { 'snapshot-path': undefined, target: undefined, ...record };
    expect(recorded()).toEqual({
      'in-flight': startedAt,
      run: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/),
      target: TARGET,
      ...(path === undefined || target !== TARGET ? {} : { 'snapshot-path': path }),
    });
    expect(Object.fromEntries(world.seen.gauges)).toEqual({
      k8s_upgrade_in_flight: 1,
      k8s_upgrade_started_timestamp: unix(startedAt),
      k8s_upgrade_snapshot_taken: snapshotTaken,
      k8s_upgrade_snapshot_required: 1,
      k8s_upgrade_blocked: 0,
      k8s_upgrade_held: 0,
      k8s_upgrade_findings: 0,
    });
  });

  it('forgets that an earlier run drained no node, and not that this one did not', async () => {
    const earlier = scene({ target: '1.36.3', 'not-drained': '1.36.3' });
    await setLatch.run(earlier.context);
    expect(earlier.recorded()).not.toHaveProperty('not-drained');
    const resumed = scene({ target: TARGET, 'in-flight': EARLIER, run: 'a', 'not-drained': TARGET });
    await setLatch.run(resumed.context);
    expect(resumed.recorded()).toHaveProperty('not-drained', TARGET);
  });

  it('takes a beginning that is no time for now, and whole seconds', async () => {
    const { world, recorded, context } = scene({ 'in-flight': 'yesterday', target: TARGET });
    await setLatch.run(context);
    expect(world.seen.gauges.get('k8s_upgrade_started_timestamp')).toBe(unix(NOW));
    expect(recorded()).toMatchObject({ 'in-flight': 'yesterday' });
    const odd = scene({ 'in-flight': '2026-11-21T21:00:00.999Z', target: TARGET });
    await setLatch.run(odd.context);
    expect(odd.world.seen.gauges.get('k8s_upgrade_started_timestamp')).toBe(unix(EARLIER));
  });
});

describe("the run's id", () => {
  it.each([
    ['stays in a run that goes on', { 'in-flight': EARLIER, target: TARGET, run: 'id-1' }, true],
    ['is another one for another target', { 'in-flight': EARLIER, target: '1.36.3', run: 'id-1' }, false],
    ['is another one when nothing is in flight', { target: TARGET, run: 'id-1' }, false],
    ['is made for a run of an earlier version of Nightlift', { 'in-flight': EARLIER, target: TARGET }, false],
  ])('%s', async (_title, record, stays) => {
    const { recorded, context } = scene(record);
    await setLatch.run(context);
    const { run } = recorded() as { run?: string };
    expect(run).toMatch(/\S/);
    expect(run === 'id-1').toBe(stays);
  });
});

describe('clear-latch', () => {
  it('leaves nothing of the run behind', async () => {
    const { world, recorded, context } = scene({
      'in-flight': EARLIER,
      target: TARGET,
      run: 'id-1',
      'snapshot-path': '/a.db',
      stopped: 'x',
      'stopped-at': EARLIER,
    });
    await clearLatch.run(context);
    expect(recorded()).toEqual({});
    expect([...new Set(world.seen.gauges.values())]).toEqual([0]);
    expect([...world.seen.gauges.keys()]).toContain('k8s_upgrade_snapshot_taken');
  });
});
