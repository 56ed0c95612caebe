import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../../test/support/clusters.ts';
import { type ExampleWorld, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import { fastClock } from '../../../test/support/virtual-clock.ts';
import type { Step } from '../../chain/step.ts';
import type { Clock } from '../../clock.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { clearLatch, setLatch } from '../run/latch.ts';
import { devicesOf, missingDevices } from './devices.ts';
import { noteForSmoke, smoke, smokeOfWorker } from './smoke.ts';
import { missingTargets } from './targets.ts';

const POSTFLIGHT = { phase: 'postflight' } as const;
const gpus = (name: string, count: number): NodeFact =>
  worker(name, '1.36.3', { allocatable: { cpu: 4000, 'nvidia.com/gpu': count, 'attachable-volumes-csi-x': 8 } });
const NODES = [controlPlane('cp-1'), gpus('w-1', 4), gpus('w-2', 4), gpus('w-3', 2)];

function scene(
  settings: object,
  targets: () => Promise<Record<string, number>> = async () => ({ node: 3, shop: 2 }),
  deps: { readonly clock?: Clock } = {},
  rollout = {},
) {
  const world = exampleWorld({
    nodes: NODES,
    settings: { smoke: settings, rollout, waits: { readySeconds: 20, pollSeconds: 5 } },
    deps: {
      ...deps,
      alerts: {
        active: async () => [],
        deprecatedApis: async () => [],
        apiServers: async () => ({ lookbackHours: 168, instances: [] }),
        targetsUp: () => targets(),
      },
    },
  });
  return { world, run: (step: Step = POSTFLIGHT) => smoke.run(contextIn(world, step)) };
}

const noted = (world: ExampleWorld): readonly string[] =>
  [...world.annotations.keys()].filter((key) => key.endsWith('-before')).toSorted();

describe('the smoke tests', () => {
  it.each([{ phase: 'worker', node: 'w-1' } as const, POSTFLIGHT])('are none without a setting (%j)', async (step) => {
    const { world } = scene({ eachWorker: true });
    const one = step.phase === 'worker' ? smokeOfWorker : smoke;
    expect(await one.skip?.(contextIn(world, step))).toBe('no smoke test is in the settings');
    expect(await noteForSmoke.skip?.(contextIn(world))).toBe('no smoke test compares');
  });

  it('are asked of each worker only when the settings say so', async () => {
    const off = scene({ devices: true });
    expect(await smokeOfWorker.skip?.(contextIn(off.world))).toBe('smoke.eachWorker is off, and it is no canary');
    const canary = scene({ devices: true }, undefined, {}, { canary: { perGroup: 1 } });
    expect(await smokeOfWorker.skip?.(contextIn(canary.world, { phase: 'worker', node: 'w-1' }))).toBeUndefined();
    const on = scene({ devices: true, eachWorker: true });
    expect(await smokeOfWorker.skip?.(contextIn(on.world))).toBeUndefined();
  });

  it('are well when all is as before', async () => {
    const { world, run } = scene({ devices: true, targets: true, nodesReady: true });
    await noteForSmoke.run(contextIn(world, { phase: 'preflight' }));
    await run();
    expect(world.passed()).toBe(0);
  });

  it('wait for what comes back, and refuse with all that does not, each by its name', async () => {
    const { world, run } = scene({ devices: true, targets: true, nodesReady: true }, async () =>
      world.passed() < 10 ? { node: 1 } : { node: 3, shop: world.passed() === 0 ? 0 : 2 },
    );
    world.annotations.set('nightlift/k8s-upgrade-targets-before', '{"node":3,"shop":2}');
    await noteForSmoke.run(contextIn(world, { phase: 'preflight' }));
    world.nodes = [controlPlane('cp-1'), gpus('w-1', 4), gpus('w-2', 0), { ...gpus('w-3', 2), ready: 'no' }];
    expect(await refusalOf(run())).toEqual([
      {
        check: 'smoke',
        reason: 'NodesNotReady',
        class: 'actionable',
        severity: 'block',
        message: 'waiting 20 s until every node is Ready: w-3',
        remedy: expect.stringContaining('smoke.nodesReady') as string,
      },
      {
        check: 'smoke',
        reason: 'DevicesMissing',
        class: 'actionable',
        severity: 'block',
        message:
          'waiting 20 s until device plugins have registered what they had before: w-2 has 0 of 4 nvidia.com/gpu',
        remedy: expect.stringContaining('smoke.devices') as string,
      },
    ]);
    expect(world.passed()).toBe(20);
  });

  it('of a worker look at its devices alone', async () => {
    const { world, run } = scene({ devices: true, eachWorker: true });
    await noteForSmoke.run(contextIn(world, { phase: 'preflight' }));
    world.nodes = [controlPlane('cp-1'), gpus('w-1', 4), gpus('w-2', 0)];
    expect(await errorOf(run({ phase: 'worker', node: 'w-1' }))).toBeUndefined();
    expect(await refusalOf(run({ phase: 'worker', node: 'w-2' }))).toMatchObject([{ reason: 'DevicesMissing' }]);
  });

  it('do not take what was not recorded for nothing', async () => {
    const { run } = scene({ devices: true });
    expect(await refusalOf(run())).toMatchObject([
      { reason: 'DevicesMissing', message: expect.stringContaining('was not recorded') as string },
    ]);
  });

  it('do not take a Prometheus that cannot be asked for one whose targets are up', async () => {
    const { world, run } = scene({ targets: true }, async () => {
      if (world.annotations.size > 0) throw new Error('gone');
      return { node: 1 };
    });
    await noteForSmoke.run(contextIn(world));
    expect(await refusalOf(run())).toMatchObject([
      { reason: 'TargetsDown', message: 'waiting 20 s until the targets of Prometheus are up as before: gone' },
    ]);
  });

  it('do not begin a run of which nobody knows what was before', async () => {
    const { world } = scene({ targets: true }, () => Promise.reject(new Error('gone')));
    expect(await errorOf(noteForSmoke.run(contextIn(world)))).toMatchObject({ message: 'gone' });
  });

  it('compare with the beginning of the run, and the next run with its own', async () => {
    const { world } = scene({ devices: true, targets: true });
    const context = contextIn(world, { phase: 'preflight' });
    await setLatch.run(context);
    await noteForSmoke.run(context);
    const keys = ['devices-before', 'targets-before'].map((key) => `nightlift/k8s-upgrade-${key}`);
    expect(noted(world)).toEqual(keys);
    const first = world.annotations.get(keys[0] ?? '');
    world.nodes = [gpus('w-1', 1)];
    await setLatch.run(context);
    await noteForSmoke.run(context);
    expect(world.annotations.get(keys[0] ?? '')).toBe(first);
    await clearLatch.run(context);
    expect(noted(world)).toEqual([]);
  });
});

describe('addresses', () => {
  const server = createServer(({ url }, answer) => {
    answer.statusCode = Number(/\d+/.exec(url ?? '')?.[0] ?? 200);
    answer.end();
  });
  let at = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  it('answer, or are named with what they say', async () => {
    // Real servers answer.
    const clock = { clock: fastClock(50) };
    const well = scene({ urls: [`${at}/200`, `${at}/204`] }, undefined, clock);
    expect(await errorOf(well.run())).toBeUndefined();
    const ill = scene({ urls: [`${at}/200`, `${at}/503?token=secret`, 'http://127.0.0.1:1/'] }, undefined, clock);
    const [finding] = await refusalOf(ill.run());
    expect(finding).toMatchObject({ reason: 'UrlsSilent' });
    expect(finding?.message).toMatch(/503: HTTP 503, http:\/\/127\.0\.0\.1:1\/: .*ECONNREFUSED/);
    expect(finding?.message).not.toContain('secret');
  });
});

describe('devices', () => {
  it('are the resources with a domain that is not of Kubernetes, by amount', () => {
    expect(devicesOf([gpus('a', 2), gpus('b', 2), gpus('c', 0), worker('d')])).toEqual({
      'nvidia.com/gpu': { 2: ['a', 'b'] },
    });
  });

  it.each([
    ['as before', gpus('a', 2), []],
    ['more', gpus('a', 3), []],
    ['fewer', gpus('a', 1), ['a has 1 of 2 nvidia.com/gpu']],
    ['none', worker('a'), ['a has 0 of 2 nvidia.com/gpu']],
    ['of a node that is gone', gpus('z', 2), []],
  ])('are missing when there are fewer (%s)', (_, now, missing) => {
    expect(missingDevices(devicesOf([gpus('a', 2)]), [now])).toEqual(missing);
  });
});

describe('targets', () => {
  it('are missing by job, and those that come and go do not count', () => {
    expect(missingTargets({ a: 3, b: 1, c: 2 }, { a: 2, b: 1, d: 1 }, [])).toEqual([
      '2 of 3 targets of job a are up',
      '0 of 2 targets of job c are up',
    ]);
    expect(missingTargets({ a: 3, c: 2 }, { a: 2 }, ['a', 'c'])).toEqual([]);
  });
});
