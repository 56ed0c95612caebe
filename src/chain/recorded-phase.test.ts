import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import { type ExampleWorld, exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import { errorOf } from '../../test/support/example-step.ts';
import { LockLost, NightliftError } from '../errors.ts';
import { newRun, parseRunHistory, type RunHistory, recordName } from '../facts/run-history.ts';
import { Refused } from './outcome.ts';
import type { ActionStep, Phase } from './phase.ts';
import { recordedPhase } from './recorded-phase.ts';
import { changeHistory } from './run-history.ts';

const signal = new AbortController().signal;
const POINTER = 'nightlift/k8s-upgrade-record';

function phaseOf(run: ActionStep['run'], name: Phase['name'] = 'postflight'): Phase {
  return { name, summary: 'test', facts: [], checks: [], steps: [{ name: 'only', summary: 'test', run }] };
}

function scene(options: WorldOptions = {}) {
  const world = exampleWorld({ nodes: [worker('worker-1', OLD)], ...options });
  const play = (run: ActionStep['run']) =>
    errorOf(recordedPhase(phaseOf(run), { phase: 'postflight' }, TARGET, world.deps, signal));
  return { world, play };
}

function recordsIn({ configMaps }: ExampleWorld): Readonly<Record<string, RunHistory | undefined>> {
  return Object.fromEntries(
    [...configMaps].flatMap(([key, { run }]) => (run === undefined ? [] : [[key.split('/')[1], parseRunHistory(run)]])),
  );
}

describe('a phase that is recorded', () => {
  it('tells when it began and ended, what took how long, and what was said', async () => {
    const { world, play } = scene();
    const said = await play(async ({ deps }) => {
      await deps.clock.sleep(42_000, signal);
      await deps.notifier.send({ text: 'complete\nand more' }, signal);
    });
    expect(said).toBeUndefined();
    const run = recordsIn(world)[recordName(1)];
    expect(run).toMatchObject({ target: TARGET, outcome: 'complete', messages: [{ text: 'complete' }] });
    expect(run?.steps).toMatchObject([{ step: 'postflight', attempts: 1, outcome: 'done', seconds: { only: 42 } }]);
    expect(world.seen.messages.map(({ text }) => text)).toEqual(['complete\nand more']);
    expect(world.annotations.get(POINTER)).toBe('1');
  });

  it('tells a refusal with its findings, a failure with its reason, and counts the tries', async () => {
    const { world, play } = scene();
    const finding = { check: 'c', reason: 'R', class: 'waiting', severity: 'block', message: 'no' } as const;
    await play(() => Promise.reject(new Refused([finding])));
    expect(recordsIn(world)[recordName(1)]).toMatchObject({ outcome: 'held', findings: [finding] });
    await play(() => Promise.reject(new NightliftError('phase', 'it broke')));
    const run = recordsIn(world)[recordName(1)];
    expect(run).toMatchObject({ outcome: 'failed', steps: [{ attempts: 2, why: 'it broke' }] });
    expect(Object.keys(recordsIn(world))).toEqual([recordName(1)]);
  });

  it('tells that a run which nobody goes on with has failed, whatever became of its last step', async () => {
    const failed = `${TARGET} - node it did not come back`;
    const nodes = [controlPlane('cp-1', TARGET), worker('w-1', TARGET), worker('w-2', OLD, { failed })];
    const { world } = scene({ nodes, settings: { rollout: { maxFailed: 1 } } });
    const phase = phaseOf(() => Promise.resolve(), 'worker');
    const outcome = await recordedPhase(phase, { phase: 'worker', node: 'w-1' }, TARGET, world.deps, signal);
    expect(outcome).toMatchObject({ kind: 'partly', failed: [{ node: 'w-2' }] });
    const run = recordsIn(world)[recordName(1)];
    expect(run).toMatchObject({ outcome: 'failed', steps: [{ step: 'worker w-1', outcome: 'done' }] });
    expect(run?.endedAt).not.toBeNull();
  });

  it('leaves it to whoever goes on when the lock was lost', async () => {
    const { world, play } = scene();
    await play(() => Promise.reject(new LockLost('taken', { lapsed: false })));
    expect(recordsIn(world)[recordName(1)]?.steps).toMatchObject([{ outcome: 'running', endedAt: null }]);
  });

  it.each<[string, WorldOptions['cluster']]>([
    ['the namespace cannot be read', { namespaceAnnotations: () => Promise.reject(new Error('forbidden')) }],
    ['the record cannot be written', { changeRecord: () => Promise.reject(new Error('forbidden')) }],
  ])('ends as it does when %s', async (_title, cluster) => {
    const { world } = scene(cluster === undefined ? {} : { cluster });
    const outcome = await recordedPhase(
      phaseOf(() => Promise.resolve()),
      { phase: 'postflight' },
      TARGET,
      world.deps,
      signal,
    );
    expect(outcome).toEqual({ kind: 'finished' });
    const warnings = world.seen.log.filter(({ level }) => level === 'warn').map(({ message }) => message);
    expect(warnings.filter((text) => text === 'the record of the run could not be written')).toHaveLength(2);
  });
});

describe('the places of records', () => {
  const change = (world: ExampleWorld, target = TARGET): Promise<void> =>
    changeHistory(
      { deps: world.deps, signal },
      target,
      (run) => run,
      ({ outcome }) => outcome !== 'complete',
    );

  it.each([
    ['after the last one comes the first', '30', undefined, recordName(1)],
    ['what is none is none', 'seven', undefined, recordName(1)],
    ['a run to another version has the next one', '7', newRun(OLD, '2026-11-20T23:00:00.000Z'), recordName(8)],
    [
      'a run that is complete has ended',
      '7',
      { ...newRun(TARGET, '2026-11-20T23:00:00.000Z'), outcome: 'complete' },
      recordName(8),
    ],
    ['what somebody else has written there is no run', '7', 'text', recordName(8)],
  ])('%s', async (_title, pointer, there, place) => {
    const { world } = scene();
    world.annotations.set(POINTER, pointer);
    const key = `k8s-upgrade/${recordName(Number(pointer))}`;
    if (there !== undefined)
      world.configMaps.set(key, { run: typeof there === 'string' ? there : JSON.stringify(there) });
    const before = world.configMaps.get(key);
    await change(world);
    expect(recordsIn(world)[place]?.target).toBe(TARGET);
    if (there !== undefined) expect(world.configMaps.get(key)).toEqual(before);
  });

  it('a run that has not ended goes on in its own', async () => {
    const { world } = scene();
    await change(world);
    await change(world);
    expect(Object.keys(recordsIn(world))).toEqual([recordName(1)]);
  });
});
