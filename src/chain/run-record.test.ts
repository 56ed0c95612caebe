import { describe, expect, it } from 'vitest';
import { exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import { clearRun, recordRun, recordStop } from './run-record.ts';

function bench(options: WorldOptions = {}) {
  const world = exampleWorld(options);
  return { world, context: { deps: world.deps, signal: new AbortController().signal } };
}

describe('the record of a run', () => {
  it('is written on our namespace, under our prefix; null takes a value away', async () => {
    const asked: unknown[] = [];
    const { context } = bench({
      settings: { namespace: 'upgrades', annotationPrefix: 'example.org' },
      cluster: { annotateNamespace: async (namespace, annotations) => void asked.push(namespace, annotations) },
    });
    await recordRun(context, { target: '1.36.4', 'snapshot-path': null });
    expect(asked).toEqual([
      'upgrades',
      { 'example.org/k8s-upgrade-target': '1.36.4', 'example.org/k8s-upgrade-snapshot-path': null },
    ]);
  });

  it('is empty after its end, and so are the gauges', async () => {
    const { world, context } = bench();
    const values = { 'in-flight': 'x', target: 'x', 'snapshot-path': 'x', stopped: 'x', 'stopped-at': 'x' };
    await recordRun(context, { ...values, other: 'stays' });
    await clearRun(context);
    expect(world.annotations).toEqual(new Map([['nightlift/k8s-upgrade-other', 'stays']]));
    expect(world.seen.gauges).toEqual(
      new Map([
        ['k8s_upgrade_in_flight', 0],
        ['k8s_upgrade_started_timestamp', 0],
        ['k8s_upgrade_snapshot_taken', 0],
        ['k8s_upgrade_paused', 0],
        ['k8s_upgrade_blocked', 0],
        ['k8s_upgrade_held', 0],
        ['k8s_upgrade_findings', 0],
      ]),
    );
  });
});

describe('recordStop', () => {
  it.each([
    ['writes down why and when', 'paused in worker w1', 'paused in worker w1'],
    ['keeps a reason of 1500 characters whole', 'x'.repeat(1500), 'x'.repeat(1500)],
    ['cuts a longer one: annotations are small', `${'x'.repeat(1500)}y`, `${'x'.repeat(1500)}…`],
  ])('%s', async (_, why, written) => {
    const { world, context } = bench();
    await recordStop(context, why);
    expect(world.annotations).toEqual(
      new Map([
        ['nightlift/k8s-upgrade-stopped', written],
        ['nightlift/k8s-upgrade-stopped-at', '2026-11-21T23:00:00.000Z'],
      ]),
    );
  });

  it('does not change how the run stopped when it cannot be written', async () => {
    const { world, context } = bench({
      cluster: { annotateNamespace: () => Promise.reject(new Error('403 Forbidden')) },
    });
    await recordStop(context, 'paused in worker w1');
    expect(world.seen.log).toEqual([
      {
        level: 'warn',
        message: 'why the run stopped could not be recorded',
        fields: { error: '403 Forbidden' },
      },
    ]);
  });
});
