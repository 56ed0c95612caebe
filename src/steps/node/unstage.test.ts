import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { exampleShell } from '../../../test/support/example-step.ts';
import { NightliftError } from '../../errors.ts';
import { unstageLeft } from './unstage.ts';

const STAGED = 'nightlift/k8s-upgrade-staged';
const signal = new AbortController().signal;

/** `silent`: cannot be reached. */
function scene(staged: string | undefined, silent = '', nodes = [controlPlane('cp-1'), worker('w1')]) {
  const asked: string[] = [];
  const shell = {
    ...exampleShell(),
    run: async ({ name }: { readonly name: string }, script: { readonly name: string }) => {
      if (name === silent) throw new NightliftError('network', `connecting to ${name}: no route`);
      asked.push(`${script.name} on ${name}`);
      return { exitCode: 0, stdout: `unstaged\t/var/lib/nightlift/stage/1.36.9\t1000\n`, stderr: '' };
    },
  };
  const world = exampleWorld({ nodes, deps: { shell } });
  if (staged !== undefined) world.annotations.set(STAGED, staged);
  return { asked, world, run: () => unstageLeft({ deps: world.deps, signal }) };
}

describe('unstageLeft', () => {
  it.each(['cp-1', 'w1'])(
    'is done again by the next night where its process was ended while it asked %s',
    async (last) => {
      const dies = new AbortController();
      const { asked, world, run } = scene('1.36.9');
      const { shell } = world.deps;
      const mortal: typeof shell = {
        ...shell,
        run: async (node, script, given) => {
          if (node.name === last) dies.abort(new Error('killed'));
          given.throwIfAborted();
          return await shell.run(node, script, given);
        },
      };
      await expect(unstageLeft({ deps: { ...world.deps, shell: mortal }, signal: dies.signal })).rejects.toThrow(
        'killed',
      );
      expect(world.annotations.get(STAGED)).toBe('1.36.9');
      asked.length = 0;
      await run();
      expect(asked.toSorted()).toEqual(['unstage on cp-1', 'unstage on w1']);
      expect(world.annotations.get(STAGED)).toBeUndefined();
    },
  );

  it('asks nobody where nothing was staged, or where all have taken it', async () => {
    for (const { run, asked, world } of [
      scene(undefined),
      scene(TARGET, '', [controlPlane('cp-1', TARGET), worker('w1', TARGET)]),
    ]) {
      await run();
      expect([asked, world.seen.changes]).toEqual([[], []]);
    }
  });

  it('has it removed from all nodes that have not taken it, and forgets it then', async () => {
    const { run, asked, world } = scene('1.36.9');
    await run();
    expect(asked.toSorted()).toEqual(['unstage on cp-1', 'unstage on w1']);
    expect(world.annotations.get(STAGED)).toBeUndefined();
  });

  it('stops no night for a node that is away, and asks again in the next one', async () => {
    const { run, asked, world } = scene('1.36.9', 'w1');
    await run();
    expect(asked).toEqual(['unstage on cp-1']);
    expect(world.annotations.get(STAGED)).toBe('1.36.9');
    expect(world.seen.log.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({
        message: 'what was fetched for 1.36.9 is still on nodes',
        fields: { error: 'w1: connecting to w1: no route' },
      }),
    ]);
  });
});
