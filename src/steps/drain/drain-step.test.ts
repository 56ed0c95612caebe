import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, refusalOf } from '../../../test/support/example-step.ts';
import type { Budget, PodFact } from '../../cluster/cluster.ts';
import { exampleBudget, examplePod } from '../../cluster/example-pod.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { replacements } from '../health/replacements.ts';
import { drain } from './drain.ts';
import { evictable } from './evictable.ts';
import { headroom } from './headroom.ts';

const pod: typeof examplePod = (name, fields) =>
  examplePod(name, { node: 'worker-1', labels: { app: name }, ...fields });
const budget = (name: string, app: string): Budget => exampleBudget(name, { selector: { matchLabels: { app } } });

const JOB = 'k8s-upgrade-worker-1-36-4-worker-1';
const ownPod = (fields: Partial<PodFact> = {}): PodFact =>
  pod('own', { namespace: 'k8s-upgrade', owner: { kind: 'Job', name: JOB }, ...fields });

interface SceneOptions {
  readonly node?: Partial<NodeFact>;
  readonly others?: readonly NodeFact[];
  readonly pods?: PodFact[];
  readonly budgets?: Budget[];
  readonly drain?: object;
}

function scene(options: SceneOptions) {
  const there = new Set(options.pods ?? [pod('web')]);
  const on = (node: string | undefined): PodFact[] => [...there].filter((one) => one.node === node);
  const world = exampleWorld({
    nodes: [worker('worker-1', '1.36.3', options.node), ...(options.others ?? [worker('worker-2')])],
    settings: { drain: options.drain ?? {} },
    cluster: {
      pods: async ({ node }) => on(node),
      watchPods: (node) => ({
        pods: async () => on(node),
        changed: () => new Promise(() => undefined),
        close: () => undefined,
      }),
      heldSince: async () => ({}),
      budgets: async () => options.budgets ?? [],
      evict: async (one) => {
        world.seen.changes.push(`evict ${one.name}`);
        there.delete(one);
        return { kind: 'accepted' };
      },
    },
  });
  const said = (): string[] =>
    world.seen.log.map(({ message }) => message).filter((text) => !text.startsWith('waiting'));
  return { world, said, context: contextIn(world) };
}

describe('the step that drains', () => {
  it('D07 cordons the node in its own name, then evicts the pods of this node', async () => {
    const { world, said, context } = scene({ pods: [pod('web'), pod('other', { node: 'worker-2' })] });
    await drain.run(context);
    expect(world.seen.changes).toEqual(['cordon worker-1', 'evict web']);
    expect(world.nodes[0]?.cordonedBy).toBe('1.36.4 2026-11-21T23:00:00.000Z');
    expect(said()).toEqual(['cordoned', 'drained']);
  });

  it.each([
    ['of an earlier Job', TARGET, ['drained']],
    ['of a person', null, ['the node was cordoned by somebody else: it stays cordoned after its upgrade', 'drained']],
  ])('D08 leaves the cordon %s as it is', async (_title, cordonedBy, want) => {
    const { world, said, context } = scene({ node: { schedulable: false, cordonedBy } });
    await drain.run(context);
    expect(world.seen.changes).toEqual(['evict web']);
    expect(world.nodes[0]?.cordonedBy).toBe(cordonedBy);
    expect(said()).toEqual(want);
  });

  it.each([
    ['the old version', '1.36.3', false],
    ['the target', TARGET, true],
  ])('is done on a node that shows %s: %s, %s', async (_title, kubelet, done) => {
    expect(await drain.isDone?.(scene({ node: { kubelet } }).context)).toBe(done);
  });

  it('takes back its own cordon, and no other', async () => {
    const { world, context } = scene({ node: { schedulable: false, cordonedBy: TARGET } });
    await drain.undo?.(context);
    expect(world.nodes[0]).toMatchObject({ schedulable: true, cordonedBy: null });
  });

  it('refuses before the cordon what would lose data that the settings keep', async () => {
    const { world, context } = scene({
      pods: [pod('web'), pod('bare', { owner: null })],
      drain: { deleteBarePods: false },
    });
    expect((await refusalOf(drain.run(context))).map(({ reason }) => reason)).toEqual(['BarePod']);
    expect(world.seen.changes).toEqual([]);
  });

  const two = [budget('one', 'web'), budget('two', 'web'), budget('other', 'free')];

  it.each(['wait', 'give-up'])('refuses a pod under two budgets before the cordon: %s', async (action) => {
    const { world, context } = scene({
      pods: [pod('web'), pod('free')],
      budgets: two,
      drain: { policies: [{ namespace: 'apps', action }] },
    });
    expect((await refusalOf(drain.run(context))).map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'TwoBudgets: Draining worker-1 cannot end: pod apps/web has the budgets apps/one and apps/two, and the API evicts no pod that has two',
    ]);
    expect(world.seen.changes).toEqual([]);
  });

  it.each(['delete-after', 'restart-owner'])(
    'leaves two budgets to a policy that goes around them: %s',
    async (action) => {
      const { world, context } = scene({ budgets: two, drain: { policies: [{ namespace: 'apps', action }] } });
      await drain.run(context);
      expect(world.seen.changes).toEqual(['cordon worker-1', 'evict web']);
    },
  );

  it.each([
    ['is on its way out', pod('web', { deleting: true })],
    ['has not started', pod('web', { phase: 'Pending' })],
    ['has finished', pod('web', { phase: 'Failed' })],
  ])('minds no budgets over a pod that %s', async (_title, one) => {
    const { world, context } = scene({ pods: [one], budgets: two });
    // Somebody else's deletion ends while this drain waits.
    const running = drain.run(context);
    if (one.deleting) await expect(running).rejects.toThrow('still terminating');
    else await running;
    expect(world.seen.changes[0]).toBe('cordon worker-1');
  });
});

describe('the step that drains, with drain.mode patch-without', () => {
  const without = { mode: 'patch-without' };
  const NOT_DRAINED = 'the node is not drained: drain.mode is patch-without';

  it.each([
    ['no pod of its Job is there', pod('web')],
    ['its Job runs on another node', ownPod({ node: 'worker-2' })],
    ['an earlier pod of its Job has ended there', ownPod({ phase: 'Failed' })],
    ['a pod of its Job is on its way out', ownPod({ deleting: true })],
    ['another Job runs there', ownPod({ owner: { kind: 'Job', name: `${JOB}0` } })],
    ['somebody else has a Job of that name', ownPod({ namespace: 'shop' })],
  ])('cordons the node and evicts nothing when %s', async (_title, one) => {
    const { world, said, context } = scene({ drain: without, pods: [one] });
    await drain.run(context);
    expect(world.seen.changes).toEqual(['cordon worker-1']);
    expect(said()).toEqual(['cordoned', NOT_DRAINED]);
    expect(world.annotations.get('nightlift/k8s-upgrade-not-drained')).toBe(TARGET);
  });

  it('does not even cordon the node when its Job runs on it, whose next pod would find no place', async () => {
    const { world, said, context } = scene({ drain: without, pods: [pod('web'), ownPod()] });
    await drain.run(context);
    expect(world.seen.changes).toEqual([]);
    expect(said()).toEqual([NOT_DRAINED]);
    expect(world.seen.log.at(-1)).toMatchObject({
      level: 'warn',
      fields: { cordon: 'none, as this Job runs on the node' },
    });
  });

  it('asks no budget, and minds no pod that a drain would lose', async () => {
    const { world, context } = scene({
      drain: { ...without, deleteBarePods: false },
      pods: [pod('bare', { owner: null })],
    });
    await drain.run(context);
    expect(world.seen.changes).toEqual(['cordon worker-1']);
  });

  it("leaves a person's cordon as it is", async () => {
    const { world, said, context } = scene({ drain: without, node: { schedulable: false } });
    await drain.run(context);
    expect(world.nodes[0]?.cordonedBy).toBe(null);
    expect(said()[0]).toBe('the node was cordoned by somebody else: it stays cordoned after its upgrade');
  });

  it('drains for a minor all the same, and records nothing', async () => {
    const { world, context } = scene({ drain: without, node: { kubelet: '1.35.8' }, pods: [pod('web')] });
    await drain.run(context);
    expect(world.seen.changes).toEqual(['cordon worker-1', 'evict web']);
    expect([...world.annotations.keys()]).toEqual([]);
  });

  it('drains a control plane whose containerd is raised', async () => {
    const { world } = scene({
      drain: without,
      others: [controlPlane('cp-1', '1.36.3', { containerRuntime: 'containerd://1.7.24' })],
    });
    await drain.run(contextIn(world, { phase: 'master', node: 'cp-1' }));
    expect(world.seen.changes).toEqual(['cordon cp-1']);
    expect(world.seen.log.map(({ message }) => message)).not.toContain(NOT_DRAINED);
  });

  it('goes on when it cannot be recorded', async () => {
    const { world, said, context } = scene({ drain: without });
    const failing = { ...world.deps.cluster, annotateNamespace: () => Promise.reject(new Error('403')) };
    await drain.run({ ...context, deps: { ...context.deps, cluster: failing } });
    expect(said()).toContain('that the node was not drained could not be recorded');
  });

  it('I01 refuses to drain the node that its Job runs on', async () => {
    const { world, context } = scene({ pods: [pod('web'), ownPod()] });
    expect((await refusalOf(drain.run(context))).map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      `OwnNode: worker-1 is not drained: the Job ${JOB} runs on it, and would evict itself`,
    ]);
    expect(world.seen.changes).toEqual([]);
  });
});

describe('what only serves a drain', () => {
  it.each([headroom, evictable, replacements])('is skipped without one, with the reason: $name', async ({ skip }) => {
    const why = 'drain.mode is patch-without: no pod of the node is evicted';
    expect(await skip?.(scene({ drain: { mode: 'patch-without' } }).context)).toBe(why);
    expect(await skip?.(scene({}).context)).toBeUndefined();
    const begun = scene({ drain: { mode: 'patch-without' }, node: { schedulable: false, cordonedBy: TARGET } });
    expect(await skip?.(begun.context)).toBe(why);
    const minor = scene({ drain: { mode: 'patch-without' }, node: { kubelet: '1.35.8' } });
    expect(await skip?.(minor.context)).toBeUndefined();
  });
});
