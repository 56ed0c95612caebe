import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { engageKillSwitch, exampleAction } from '../../test/support/example-phase.ts';
import { createContext } from './context.ts';
import type { ActionStep } from './phase.ts';
import { takeBack } from './take-back.ts';

function bench() {
  const world = exampleWorld();
  const calls: string[] = [];
  const context = createContext(
    { phase: 'worker', node: 'worker-1' },
    '1.36.4',
    world.deps,
    new AbortController().signal,
  );
  const action = (name: string, fields: Partial<ActionStep> = {}): ActionStep => exampleAction(name, calls, fields);
  const take = (...begun: readonly ActionStep[]) => takeBack(begun, context, new Error('kubeadm ended with 1'));
  return { world, calls, action, take };
}

describe('takeBack', () => {
  it('takes back in the order that it is given, and says what and why', async () => {
    const { world, calls, action, take } = bench();
    expect(await take(action('drain'), action('quiesce'))).toEqual([
      { what: 'drain', failed: false },
      { what: 'quiesce', failed: false },
    ]);
    expect(calls).toEqual(['undo drain', 'undo quiesce']);
    const fields = { because: 'kubeadm ended with 1' };
    expect(world.seen.log.filter(({ message }) => message.startsWith('taking back'))).toEqual([
      { level: 'info', message: 'taking back drain', fields },
      { level: 'info', message: 'taking back quiesce', fields },
    ]);
  });

  it('says nothing of a step that leaves nothing behind', async () => {
    const { calls, take, action } = bench();
    const { undo: _, ...look } = action('look');
    expect(await take(look, action('drain'))).toEqual([{ what: 'drain', failed: false }]);
    expect(calls).toEqual(['undo drain']);
  });

  it('does not wait for ever for what does not end, and tells it', async () => {
    const { world, calls, action, take } = bench();
    const undo: ActionStep['undo'] = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          calls.push('told');
          reject(signal.reason as Error);
        });
      });
    expect(await take(action('drain', { undo }))).toEqual([{ what: 'drain', failed: true }]);
    expect(calls).toEqual(['told']);
    expect(world.passed()).toBeLessThanOrEqual(world.deps.settings.waits.apiSeconds + 1);
  });

  it('tries again for a minute what does not succeed at once', async () => {
    const { world, action, take } = bench();
    const undo = async (): Promise<void> => {
      if (world.passed() < 60) throw new Error('409 Conflict');
    };
    expect(await take(action('drain', { undo }))).toEqual([{ what: 'drain', failed: false }]);
    expect(world.passed()).toBe(60);
  });

  it('gives up after a minute, says so, and takes back the others all the same', async () => {
    const { world, calls, action, take } = bench();
    const undo = (): Promise<void> => Promise.reject(new Error('403 Forbidden'));
    expect(await take(action('drain', { undo }), action('quiesce'))).toEqual([
      { what: 'drain', failed: true },
      { what: 'quiesce', failed: false },
    ]);
    expect(calls).toEqual(['undo quiesce']);
    expect(world.passed()).toBe(60);
    expect(world.seen.log).toContainEqual({
      level: 'error',
      message: 'taking back drain failed; the next Job tries again',
      fields: { error: 'waiting 60 s for drain to be taken back: 403 Forbidden' },
    });
  });

  it('heeds no pause: what the pause has stopped is put back as it was', async () => {
    const { world, calls, action, take } = bench();
    engageKillSwitch(world);
    expect(await take(action('drain'))).toEqual([{ what: 'drain', failed: false }]);
    expect(calls).toEqual(['undo drain']);
  });

  it('hands the step and the node to what takes back', async () => {
    const { action, take } = bench();
    const seen: unknown[] = [];
    const undo: ActionStep['undo'] = async (context) => {
      await context.waiter.mayGoOn();
      seen.push(context.step, context.target, (await context.node()).name);
    };
    await take(action('drain', { undo }));
    expect(seen).toEqual([{ phase: 'worker', node: 'worker-1' }, '1.36.4', 'worker-1']);
  });
});
