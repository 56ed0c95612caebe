import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { NightliftError } from '../errors.ts';
import { gateAndStart } from './detect.ts';

const signal = new AbortController().signal;

describe('gateAndStart', () => {
  it('starts preflight when the gate has nothing against it', async () => {
    const world = exampleWorld();
    expect(await gateAndStart(world.deps, '1.36.4', [], signal)).toEqual({
      kind: 'started',
      target: '1.36.4',
      job: 'k8s-upgrade-preflight-1-36-4',
    });
    expect(world.seen.changes).toEqual(['create k8s-upgrade-preflight-1-36-4']);
    expect(Object.fromEntries(world.seen.gauges)).toEqual({ k8s_upgrade_blocked: 0, k8s_upgrade_held: 0 });
  });

  it('I19 is blocked by what somebody can clear, and says so with the gauge of a block', async () => {
    const away = new NightliftError('network', 'Prometheus is away');
    const alerts = { active: () => Promise.reject(away), deprecatedApis: () => Promise.reject(away) };
    const world = exampleWorld({ deps: { alerts } });
    expect(await gateAndStart(world.deps, '1.37.1', [], signal)).toMatchObject({ kind: 'refused', verdict: 'blocked' });
    expect(world.seen.changes).toEqual([]);
    expect(Object.fromEntries(world.seen.gauges)).toEqual({ k8s_upgrade_blocked: 1, k8s_upgrade_held: 0 });
  });
});
