import { describe, expect, it } from 'vitest';
import { OLD, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { uncordon, undoCordon } from './cordon.ts';
import { liftLeftCordons } from './left-cordons.ts';
import { begin, finish } from './unfinished.ts';

function scene(...nodes: readonly Partial<NodeFact>[]) {
  const world = exampleWorld({ nodes: nodes.map((fields, index) => worker(`worker-${index + 1}`, OLD, fields)) });
  const said = (): unknown[] => world.seen.log.map(({ message, fields }) => `${message}: ${fields['node']}`);
  return { world, said, context: contextIn(world) };
}

const ours = { schedulable: false, cordonedBy: TARGET };
const somebodys = { schedulable: false };

describe('uncordon', () => {
  it.each([
    ['our cordon', ours, false],
    ["a person's", somebodys, true],
    ['none', {}, true],
  ])('is done or not with %s', async (_title, node, done) => {
    expect(await uncordon.isDone?.(scene(node).context)).toBe(done);
  });

  it('lifts our cordon with nothing in between', async () => {
    const { world, said, context } = scene(ours);
    await uncordon.run(context);
    expect(uncordon.critical).toBe(true);
    expect(world.nodes[0]).toMatchObject({ schedulable: true, cordonedBy: null });
    expect(said()).toEqual(['uncordoned: worker-1']);
  });

  it("D08 takes what was written about the drain from a node under a person's cordon, and says nothing", async () => {
    const { world, said, context } = scene(somebodys);
    await undoCordon(context);
    expect(world.seen.changes).toEqual(['uncordon worker-1']);
    expect(world.nodes[0]?.schedulable).toBe(false);
    expect(said()).toEqual([]);
  });
});

describe('left-cordons', () => {
  it('D08 I17 touches only nodes on which a run has left something, and says which cordons it lifts', async () => {
    const { world, said, context } = scene(
      {},
      ours,
      somebodys,
      { ...somebodys, unfinished: TARGET },
      { ...ours, unfinished: TARGET },
    );
    await liftLeftCordons.run(context);
    expect(world.seen.changes).toEqual(['uncordon worker-2', 'uncordon worker-4', 'uncordon worker-5']);
    expect(world.nodes.map(({ schedulable }) => schedulable)).toEqual([true, true, false, false, true]);
    expect(said()).toEqual([
      'uncordoned: an earlier run had left it: worker-2',
      'uncordoned: an earlier run had left it: worker-5',
    ]);
  });
});

describe('the mark of a step that is not finished', () => {
  it.each([
    ['none', null, false],
    ['one of another target', OLD, false],
    ['one of this target', TARGET, true],
  ])('is there or not with %s', async (_title, unfinished, done) => {
    expect(await begin.isDone?.(scene({ unfinished }).context)).toBe(done);
  });

  it('is set at the beginning and taken away at the end, on this node', async () => {
    const { world, context } = scene({}, {});
    await begin.run(context);
    expect(world.nodes.map(({ unfinished }) => unfinished)).toEqual([TARGET, null]);
    await finish.run(context);
    expect(world.seen.changes).toEqual([`mark worker-1 ${TARGET}`, 'mark worker-1 finished']);
  });
});
