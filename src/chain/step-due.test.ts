import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { contextIn } from '../../test/support/example-step.ts';
import { Settings } from '../settings/settings.ts';
import type { ActionStep } from './phase.ts';
import { longestSeconds, stepDue } from './step-due.ts';

const quick: ActionStep = { name: 'quick', summary: 'is quick', run: async () => {} };
const long: ActionStep = { ...quick, longest: () => 7200 };

describe('longestSeconds', () => {
  it.each([
    ['the longest of the waits', quick, {}, 1800 + 600],
    ['a soak that somebody has made longer', quick, { waits: { soakSeconds: 5400 } }, 5400 + 600],
    ['what the step itself says', long, {}, 7200 + 600],
  ])('is %s', (_, action, settings, seconds) => {
    expect(longestSeconds(action, Settings.parse(settings))).toBe(seconds);
  });
});

describe('stepDue', () => {
  it('says by when each step is to have ended, and not again for each of many that take no time', async () => {
    const world = exampleWorld({});
    const pushed: (number | undefined)[] = [];
    const say = stepDue(contextIn(world, { phase: 'preflight' }));
    const start = world.clock.now().getTime() / 1000;
    const begin = async (action: ActionStep): Promise<void> => {
      world.seen.gauges.clear();
      await say(action);
      const due = world.seen.gauges.get('k8s_upgrade_step_due_timestamp');
      pushed.push(due === undefined ? undefined : due - start);
    };
    for (const action of [quick, quick, long, quick]) await begin(action);
    await world.clock.sleep(61_000);
    await begin(quick);
    expect(pushed).toEqual([2400, undefined, 7800, 2400, 2461]);
    expect(world.seen.gauges.get('k8s_upgrade_paused')).toBe(0);
  });
});
