import { describe, expect, it } from 'vitest';
import { TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, refusalOf } from '../../../test/support/example-step.ts';
import type { Budget, PodFact } from '../../cluster/cluster.ts';
import { exampleBudget, examplePod } from '../../cluster/example-pod.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { drain } from './drain.ts';

const pod: typeof examplePod = (name, fields) =>
  examplePod(name, { node: 'worker-1', labels: { app: name }, ...fields });
const budget = (name: string, app: string): Budget => exampleBudget(name, { selector: { matchLabels: { app } } });

function scene(options: { node?: Partial<NodeFact>; pods?: PodFact[]; budgets?: Budget[]; drain?: object }) {
  const there = new Set(options.pods ?? [pod('web')]);
  const on = (node: string | undefined): PodFact[] => [...there].filter((one) => one.node === node);
  const world = exampleWorld({
    nodes: [worker('worker-1', '1.36.3', options.node), worker('worker-2')],
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
