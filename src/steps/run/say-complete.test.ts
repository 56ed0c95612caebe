import { describe, expect, it } from 'vitest';
import { TARGET } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import { exampleAlert } from '../../facts/example-facts.ts';
import type { AlertFact } from '../../facts/facts.ts';
import { sayComplete, warnOfAlerts } from './say-complete.ts';

const KEY = 'nightlift/k8s-upgrade-in-flight';

describe('say-complete', () => {
  it.each([
    ['2026-11-21T21:30:00.000Z', `All 3 nodes went to ${TARGET} in 1 h 30 min.`],
    ['yesterday', `All 3 nodes went to ${TARGET}.`],
  ])('says once that all nodes are there, and how long it took when that is known: %s', async (started, text) => {
    const world = exampleWorld();
    world.annotations.set(KEY, started);
    const context = contextIn(world, { phase: 'postflight' });
    expect(await sayComplete.isDone?.(context)).toBe(false);
    await sayComplete.run(context);
    expect(world.seen.messages.map((message) => message.text.split('\n').at(-1))).toEqual([text]);
  });

  it('is silent when the record of the run is gone', async () => {
    expect(await sayComplete.isDone?.(contextIn(exampleWorld(), { phase: 'postflight' }))).toBe(true);
  });

  it('says no time for a record that is gone meanwhile', async () => {
    const world = exampleWorld();
    await sayComplete.run(contextIn(world, { phase: 'postflight' }));
    expect(world.seen.messages[0]?.text).toMatch(/All 3 nodes went to 1\.36\.4\.$/);
  });
});

describe('the alerts after the upgrade', () => {
  const warnings = async (active: () => Promise<readonly AlertFact[]>) => {
    const alerts = { ...exampleWorld().deps.alerts, active };
    const world = exampleWorld({ deps: { alerts } });
    await warnOfAlerts.run(contextIn(world, { phase: 'postflight' }));
    return world.seen.log.map(({ level, fields }) => ({ level, ...fields }));
  };

  it('are named, without those that halt nothing and those that the upgrade causes itself', async () => {
    const active = [
      exampleAlert('NodeDown'),
      exampleAlert('DiskFull'),
      exampleAlert('Slow', { severity: 'warning' }),
      exampleAlert('RecentNodeReboot'),
      exampleAlert('K8sUpgradeInProgress'),
    ];
    expect(await warnings(async () => active)).toEqual([{ level: 'warn', alerts: 'NodeDown, DiskFull' }]);
  });

  it('are no matter when there are none', async () => {
    expect(await warnings(async () => [])).toEqual([]);
  });

  it('do not undo the upgrade when nobody can be asked', async () => {
    expect(await warnings(() => Promise.reject(new Error('no answer')))).toEqual([
      { level: 'warn', error: 'no answer' },
    ]);
  });
});
