import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { engageKillSwitch } from '../../test/support/example-phase.ts';
import { createContext } from './context.ts';
import { Paused } from './outcome.ts';
import type { Step } from './step.ts';

function bench(step: Step, options?: { readonly heedPause: boolean }) {
  const world = exampleWorld({ settings: { waits: { pollSeconds: 7 } } });
  return { world, context: createContext(step, '1.36.4', world.deps, new AbortController().signal, options) };
}

describe('the context of a step', () => {
  it('has the node as it is now', async () => {
    const { world, context } = bench({ phase: 'worker', node: 'worker-2' });
    expect(await context.node()).toBe(world.nodes[2]);
    world.nodes = world.nodes.map((node) => ({ ...node, schedulable: false }));
    expect(await context.node()).toMatchObject({ name: 'worker-2', schedulable: false });
  });

  it.each<[string, Step, string]>([
    ['a node that is gone', { phase: 'worker', node: 'worker-9' }, 'worker-9'],
    ['a step that changes no node', { phase: 'preflight' }, '(none)'],
  ])('has no node for %s', async (_, step, name) => {
    await expect(bench(step).context.node()).rejects.toMatchObject({
      kind: 'cluster',
      message: `looking for node ${name}: it is not in the cluster any more`,
      remedy: 'The next night enumerates the nodes anew.',
    });
  });

  it('D06 heeds the kill switch, if nothing else is said', async () => {
    const { world, context } = bench({ phase: 'preflight' });
    await expect(context.waiter.mayGoOn()).resolves.toBeUndefined();
    engageKillSwitch(world);
    await expect(context.waiter.mayGoOn()).rejects.toThrow(Paused);
  });

  it('lets a critical step go on past the kill switch', async () => {
    const { world, context } = bench({ phase: 'preflight' }, { heedPause: false });
    engageKillSwitch(world);
    await expect(context.waiter.mayGoOn()).resolves.toBeUndefined();
  });

  it('looks again as often as the settings say', async () => {
    const { world, context } = bench({ phase: 'preflight' });
    await context.waiter.until(
      'a second look',
      async () => (world.passed() > 0 ? { done: true, value: 0 } : { done: false, missing: 'time' }),
      { seconds: 60, remedy: '' },
    );
    expect(world.passed()).toBe(7);
  });
});
