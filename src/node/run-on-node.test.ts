import { describe, expect, it } from 'vitest';
import { TARGET } from '../../test/support/clusters.ts';
import { exampleWorld } from '../../test/support/example-deps.ts';
import { engageKillSwitch } from '../../test/support/example-phase.ts';
import { createContext } from '../chain/context.ts';
import { Paused } from '../chain/outcome.ts';
import { isWorthAnotherTry } from '../chain/worth-another-try.ts';
import { exampleNode } from '../facts/example-facts.ts';
import type { DetachedCommand, NodeShell } from './node-shell.ts';
import { nodeFailure, runDetachedOnNode } from './run-on-node.ts';

const CASES = [
  { script: 'upgrade-node', exitCode: 137, tail: 'nightlift: the command was killed: signal KILL', again: true },
  { script: 'upgrade-node', exitCode: 143, tail: 'nightlift: the command was killed: signal TERM', again: true },
  {
    script: 'upgrade-node',
    exitCode: 137,
    tail: 'nightlift: the command was killed: the node ran out of memory',
    again: false,
  },
  { script: 'upgrade-node', exitCode: 20, tail: 'error execution phase preflight', again: false },
  { script: 'upgrade-node', exitCode: 124, tail: '', again: false },
  { script: 'stage', exitCode: 24, tail: '', again: true },
  { script: 'upgrade-node', exitCode: 24, tail: '', again: false },
  { script: 'upgrade-node', exitCode: null, tail: '', again: true },
] as const;

describe('the failure of a node script', () => {
  it.each(CASES)(
    'I01 $script with $exitCode ($tail): worth another try $again',
    ({ script, exitCode, tail, again }) => {
      const failure = nodeFailure(
        exampleNode('cp-1'),
        { name: script, text: '', variables: {} },
        'upgrading',
        exitCode,
        tail,
      );
      expect(failure.message).toContain('cp-1');
      expect(isWorthAnotherTry(failure)).toBe(again);
    },
  );
});

describe('a command that outlives the Job', () => {
  const FENCE = { generation: 7, holder: 'pod-a' };

  function bench(heedPause: boolean) {
    const seen: { command?: DetachedCommand; signal?: AbortSignal } = {};
    const runDetached: NodeShell['runDetached'] = async (_, command, { signal }) => {
      Object.assign(seen, { command, signal });
      // As long as the fetching of packages over a slow line.
      await world.deps.clock.sleep(3_600_000, signal);
      return { exitCode: 0, attached: false, tail: '' };
    };
    const world = exampleWorld({ deps: { shell: { runDetached } as NodeShell } });
    const { signal } = new AbortController();
    const step = { phase: 'worker', node: 'worker-1' } as const;
    const context = createContext(step, TARGET, world.deps, signal, { heedPause, fence: FENCE });
    const run = () =>
      runDetachedOnNode(context, exampleNode('worker-1'), { name: 'stage', text: '', variables: {} }, 'stage');
    return { world, seen, run };
  }

  it('D06 is left to itself when the kill switch is engaged meanwhile', async () => {
    const { world, seen, run } = bench(true);
    void world.clock.sleep(60_000).then(() => engageKillSwitch(world));
    await expect(run()).rejects.toThrow(Paused);
    expect(world.passed()).toBeLessThan(70);
    expect(seen.signal?.aborted).toBe(true);
  });

  it('is followed to its end by a step that no pause interrupts', async () => {
    const { world, run } = bench(false);
    engageKillSwitch(world);
    expect(await run()).toMatchObject({ exitCode: 0 });
  });

  it('carries the generation of the lock', async () => {
    const { seen, run } = bench(true);
    await run();
    expect(seen.command?.fence).toBe(FENCE);
  });
});
