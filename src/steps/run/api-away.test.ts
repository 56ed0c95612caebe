import { describe, expect, it } from 'vitest';
import { controlPlane } from '../../../test/support/clusters.ts';
import { exampleJob, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import { NightliftError } from '../../errors.ts';
import { noteAway, whileLooking } from './api-away.ts';
import { sayComplete } from './say-complete.ts';

const RECORD = 'nightlift/k8s-upgrade-api-away';

function scene(awayMs: number, before?: string) {
  const world = exampleWorld({
    nodes: [controlPlane('cp-1')],
    cluster: { awayMs: () => awayMs },
    deps: { identity: 'me' },
  });
  if (before !== undefined) world.annotations.set(RECORD, before);
  return { world, run: () => noteAway.run(contextIn(world, { phase: 'master', node: 'cp-1' })) };
}

describe('how long the API server was away', () => {
  it.each([
    [0, undefined, undefined],
    [400, undefined, undefined],
    [94_700, undefined, 'cp-1@me=95'],
    [5000, 'cp-2@me=95', 'cp-2@me=95 cp-1@me=5'],
    // The step again, in the same process.
    [95_000, 'cp-1@me=95', 'cp-1@me=95'],
    [5000, 'cp-1@me=95', 'cp-1@me=95'],
    // What a process before this one has seen, which died.
    [5000, 'cp-1@before=35', 'cp-1@before=35 cp-1@me=5'],
    [5000, 'no number', 'cp-1@me=5'],
  ])('%i ms after %s before are %s', async (ms, before, after) => {
    const { world, run } = scene(ms, before);
    await run();
    expect(world.annotations.get(RECORD)).toBe(after);
  });

  it('is at least what was seen, by a pod that goes on after one that has failed', async () => {
    const { world, run } = scene(3000, 'cp-2@x=30 cp-1@before=5');
    world.jobs.set('k8s-upgrade-master-1-36-4', exampleJob('k8s-upgrade-master-1-36-4', { retriesLeft: 1 }));
    await run();
    expect(world.annotations.get(RECORD)).toBe('cp-2@x=30 cp-1@before=5 cp-1@me=3+');
    world.annotations.set('nightlift/k8s-upgrade-in-flight', '2026-11-21T22:00:00Z');
    await sayComplete.run(contextIn(world, { phase: 'postflight' }));
    expect(world.seen.messages.at(-1)?.text).toContain('The API server was away for at least 38 s of it.');
  });

  it('is at least what an earlier pod has seen, also where the later one has seen nothing', async () => {
    const { world, run } = scene(0, 'cp-1@before=35 cp-2@x=9');
    await run();
    expect(world.annotations.get(RECORD)).toBe('cp-1@before=35 cp-2@x=9');
    world.jobs.set('k8s-upgrade-master-1-36-4', exampleJob('k8s-upgrade-master-1-36-4', { retriesLeft: 1 }));
    await run();
    expect(world.annotations.get(RECORD)).toBe('cp-1@before=35 cp-2@x=9 cp-1@me=0+');
  });

  it('is looked for every second while a command runs, and no longer', async () => {
    let looks = 0;
    const world = exampleWorld({
      nodes: [controlPlane('cp-1')],
      cluster: {
        async lookForAway() {
          looks += 1;
        },
      },
    });
    const context = contextIn(world, { phase: 'master', node: 'cp-1' });
    const work = async (): Promise<string> => {
      await world.clock.sleep(10_500);
      return 'done';
    };
    expect(await whileLooking(context, work)).toBe('done');
    expect(looks).toBe(10);
    await world.clock.sleep(10_000);
    expect(looks).toBe(10);
  });

  it('is written down as soon as it is over, so that a process that dies later takes nothing of it with it', async () => {
    let away = 0;
    const world = exampleWorld({
      nodes: [controlPlane('cp-1')],
      deps: { identity: 'me' },
      cluster: {
        awayMs: () => away,
        async lookForAway() {
          if (world.passed() === 5) away = 4000;
          if (world.passed() === 8) away = 6000;
        },
      },
    });
    const seen: unknown[] = [];
    const dies = new AbortController();
    const work = async (): Promise<never> => {
      for (let second = 1; second <= 10; second += 1) {
        await world.clock.sleep(1000);
        seen.push(world.annotations.get(RECORD));
      }
      dies.abort(new Error('killed'));
      throw dies.signal.reason;
    };
    const context = contextIn(world, { phase: 'master', node: 'cp-1' });
    await expect(whileLooking({ ...context, signal: dies.signal }, work)).rejects.toThrow('killed');
    expect([...new Set(seen)]).toEqual([undefined, 'cp-1@me=4', 'cp-1@me=6']);
  });

  it('a look that fails ends no work, and work that fails is no look', async () => {
    const world = exampleWorld({
      nodes: [controlPlane('cp-1')],
      cluster: { lookForAway: () => Promise.reject(new Error('no token')) },
    });
    const context = contextIn(world, { phase: 'master', node: 'cp-1' });
    const work = async (): Promise<never> => {
      await world.clock.sleep(5000);
      throw new Error('kubeadm failed');
    };
    await expect(whileLooking(context, work)).rejects.toThrow('kubeadm failed');
  });

  it('stops no run when it cannot be written down', async () => {
    const refused = new NightliftError('cluster', 'forbidden');
    const world = exampleWorld({
      nodes: [controlPlane('cp-1')],
      cluster: { awayMs: () => 5000, annotateNamespace: () => Promise.reject(refused) },
    });
    await noteAway.run(contextIn(world, { phase: 'master', node: 'cp-1' }));
    expect(world.seen.log.at(-1)).toMatchObject({ level: 'warn', fields: { error: 'forbidden' } });
  });

  it('is said when the run is complete', async () => {
    const { world } = scene(0, 'cp-1=60 cp-2=35');
    world.annotations.set('nightlift/k8s-upgrade-in-flight', '2026-11-21T22:00:00Z');
    await sayComplete.run(contextIn(world, { phase: 'postflight' }));
    expect(world.seen.messages.at(-1)?.text).toMatch(
      /went to 1\.36\.4 in .*\. The API server was away for 1 min 35 s of it\./,
    );
  });
});
