import { describe, expect, it } from 'vitest';
import { OLD, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { uncordon, undoCordon } from './cordon.ts';
import { liftLeftCordons } from './left-cordons.ts';
import { exclude, liftLeftMarks, markPending } from './pending-marks.ts';
import { begin, finish } from './unfinished.ts';

function scene(...nodes: readonly Partial<NodeFact>[]) {
  return sceneWith({}, nodes);
}

function sceneWith(markPending: object, nodes: readonly Partial<NodeFact>[], mode = 'always') {
  const world = exampleWorld({
    nodes: nodes.map((fields, index) => worker(`worker-${index + 1}`, OLD, fields)),
    settings: { drain: { markPending, mode } },
  });
  const said = (): unknown[] => world.seen.log.map(({ message, fields }) => `${message}: ${fields['node']}`);
  return { world, said, context: contextIn(world) };
}

const ours = { schedulable: false, cordonedBy: TARGET };
const AT = '2026-11-21T22:59:50.000Z';
const somebodys = { schedulable: false };

describe('uncordon', () => {
  it.each([
    ['our cordon', ours, false],
    ["a person's", somebodys, true],
    ['none', {}, true],
    ['our taint', { pendingSince: AT }, false],
    ['our label', { ...somebodys, excludedSince: AT }, false],
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

describe('the marks of nodes that still have to go', () => {
  const TAINT = { preferNoSchedule: true };
  const LABEL = { excludeFromLoadBalancers: true };

  it('are set by nobody without the setting', async () => {
    const { context } = scene({});
    expect(await markPending.skip?.(context)).toBe('drain.markPending.preferNoSchedule is off');
    expect(await exclude.skip?.(context)).toBe('drain.markPending.excludeFromLoadBalancers is off');
    for (const [step, setting] of [
      [markPending, TAINT],
      [exclude, LABEL],
    ] as const)
      expect(await step.skip?.(sceneWith(setting, [{}]).context)).toBeUndefined();
  });

  it('are set on no node that keeps its pods', async () => {
    const { world, context } = sceneWith({ ...TAINT, ...LABEL }, [{ kubelet: '1.36.3' }], 'patch-without');
    expect(await exclude.skip?.(context)).toMatch(/^drain\.mode is patch-without/);
    await markPending.run(context);
    expect(world.seen.changes).toEqual([]);
  });

  it('taint the workers that wait, each once, and no more than twenty at a time', async () => {
    const nodes = Array.from({ length: 50 }, () => ({}));
    const { world } = sceneWith(TAINT, [{ kubelet: TARGET }, { pendingSince: AT }, ...nodes]);
    world.nodes = [...world.nodes, exampleNode('cp-1')];
    let [now, most] = [0, 0];
    const mark: Cluster['mark'] = async () => {
      most = Math.max(most, (now += 1));
      await new Promise((resolve) => setTimeout(resolve, 1));
      now -= 1;
    };
    const marked: string[] = [];
    const cluster = { ...world.deps.cluster, outlines: async () => world.nodes };
    const context = contextIn({
      ...world,
      deps: {
        ...world.deps,
        cluster: {
          ...cluster,
          mark: async (...given) => {
            marked.push(`${given[0]} ${given[1]}`);
            await mark(...given);
          },
        },
      },
    });
    await markPending.run(context);
    expect(most).toBe(20);
    expect(marked.toSorted()).toEqual(
      Array.from({ length: 50 }, (_, index) => `worker-${index + 3} pending`).toSorted(),
    );
  });

  it('give load balancers their time before the drain, what is left of it after a kill', async () => {
    const fresh = sceneWith(LABEL, [{}]);
    await exclude.run(fresh.context);
    expect([fresh.world.seen.changes, fresh.world.passed()]).toEqual([['mark worker-1 excluded'], 30]);
    const killed = sceneWith(LABEL, [{ excludedSince: AT }]);
    killed.world.deps.cluster.mark = async () => undefined;
    await exclude.run(killed.context);
    expect(killed.world.passed()).toBe(20);
    const somebodysLabel = sceneWith(LABEL, [{}]);
    somebodysLabel.world.deps.cluster.mark = async () => undefined;
    await exclude.run(somebodysLabel.context);
    expect([somebodysLabel.world.passed(), somebodysLabel.said()]).toEqual([
      0,
      ['the label was there already, and stays: worker-1'],
    ]);
    expect(await exclude.isDone?.(sceneWith(LABEL, [{ kubelet: TARGET }]).context)).toBe(true);
    expect(await exclude.isDone?.(fresh.context)).toBe(false);
  });

  it('are taken away when a step is taken back, and by postflight, under no cordon of ours', async () => {
    const { world, context } = scene({ excludedSince: AT }, { pendingSince: AT }, { ...ours, pendingSince: AT }, {});
    await exclude.undo?.(context);
    expect(world.seen.changes).toEqual(['uncordon worker-1']);
    await liftLeftMarks.run(context);
    await markPending.undo?.(context);
    expect(world.seen.changes).toEqual(['uncordon worker-1', 'uncordon worker-2']);
    expect(world.nodes.map(({ pendingSince, excludedSince }) => pendingSince ?? excludedSince)).toEqual([
      null,
      null,
      AT,
      null,
    ]);
  });

  it.each([
    ['stays on what still has to go', TAINT, ['uncordon worker-2', 'uncordon worker-3']],
    ['goes when the setting is off', {}, ['uncordon worker-1', 'uncordon worker-2', 'uncordon worker-3']],
  ])('left by an earlier run: the taint %s', async (_title, setting, changes) => {
    const { world, context } = sceneWith(setting, [
      { pendingSince: AT },
      { pendingSince: AT, kubelet: TARGET },
      { excludedSince: AT },
    ]);
    await liftLeftCordons.run(context);
    expect(world.seen.changes).toEqual(changes);
  });
});
