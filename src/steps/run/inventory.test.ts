import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../../test/support/clusters.ts';
import { type ExampleWorld, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import { NightliftError } from '../../errors.ts';
import { readInventory } from '../../observe/inventory.ts';
import { compareInventory, noteInventory } from './inventory.ts';
import { sayComplete } from './say-complete.ts';

const RECORD = 'nightlift/k8s-upgrade-inventory-before';
const signal = new AbortController().signal;
const NODES = [controlPlane('cp-1'), worker('w1')];
const context = (world: ExampleWorld) => contextIn(world, { phase: 'postflight' });
const upgraded = [controlPlane('cp-1', TARGET), worker('w1', TARGET, { kernel: '6.99' })];

describe('the inventory of a run', () => {
  it('is written before the first change, kept by whoever goes on, and compared at the end', async () => {
    const world = exampleWorld({ nodes: NODES });
    await noteInventory.run(context(world));
    world.nodes = [controlPlane('cp-1', TARGET), worker('w1', OLD, { kernel: '6.99' })];
    await noteInventory.run(context(world));
    world.nodes = upgraded;
    await compareInventory.run(context(world));
    const { before, after } = await readInventory(world.deps, signal);
    expect(before?.kinds.map(({ nodes, kubelet }) => [nodes, kubelet])).toEqual([
      [['cp-1'], OLD],
      [['w1'], OLD],
    ]);
    expect(after?.kinds.map(({ nodes, kernel }) => [nodes, kernel])).toContainEqual([['w1'], '6.99']);
    world.annotations.set('nightlift/k8s-upgrade-in-flight', '2026-11-21T22:00:00Z');
    await sayComplete.run(context(world));
    expect(world.seen.messages.at(-1)?.text).toMatch(
      /Changed meanwhile, and not by the upgrade:\n• kernel \S+ → 6\.99: w1/,
    );
  });

  it('begins anew for the next run, also to the same version', async () => {
    const world = exampleWorld({ nodes: NODES });
    await noteInventory.run(context(world));
    await compareInventory.run(context(world));
    world.nodes = upgraded;
    await noteInventory.run(context(world));
    const { before, after } = await readInventory(world.deps, signal);
    expect([before?.kinds.every(({ kubelet }) => kubelet === TARGET), after]).toEqual([true, null]);
  });

  it('that is damaged stops no run: it is written anew before one, and said after one', async () => {
    const world = exampleWorld({ nodes: NODES });
    world.annotations.set(RECORD, 'not JSON');
    await compareInventory.run(context(world));
    expect(world.seen.log.at(-1)).toMatchObject({
      level: 'warn',
      message: 'the inventory of the run could not be recorded',
    });
    await noteInventory.run(context(world));
    expect((await readInventory(world.deps, signal)).before?.target).toBe(TARGET);
  });

  it('is not written anew by a run that goes on and could not read it', async () => {
    const world = exampleWorld({ nodes: NODES });
    await noteInventory.run(context(world));
    const before = world.annotations.get(RECORD);
    world.nodes = upgraded;
    const away = new NightliftError('network', 'the API server is away');
    const blind = { ...world.deps.cluster, namespaceAnnotations: () => Promise.reject(away) };
    await noteInventory.run(contextIn({ ...world, deps: { ...world.deps, cluster: blind } }, { phase: 'preflight' }));
    expect(world.annotations.get(RECORD)).toBe(before);
  });

  it('of another run is left alone', async () => {
    const world = exampleWorld({ nodes: NODES });
    await noteInventory.run({ ...context(world), target: '1.36.9' });
    await compareInventory.run(context(world));
    expect(await readInventory(world.deps, signal)).toMatchObject({ before: { target: '1.36.9' }, after: null });
  });

  it('that is too large for an annotation is not written, and stops no run', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => worker(`${'w'.repeat(40)}${index}`));
    const world = exampleWorld({ nodes: many });
    await noteInventory.run(context(world));
    expect(world.annotations.has(RECORD)).toBe(false);
    expect(world.seen.log.at(-1)?.fields['error']).toMatch(/an annotation has room for 100000/);
  });
});
