import { describe, expect, it } from 'vitest';
import { TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, refusalOf } from '../../../test/support/example-step.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { type ExamplePod, examplePod } from '../../cluster/example-pod.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { headroom, shortageFinding } from './headroom.ts';
import type { Shortage } from './headroom-fit.ts';

const GIB = 2 ** 30;
const pod = (name: string, cpu: number, { placement, ...fields }: ExamplePod = {}): PodFact =>
  examplePod(name, { node: 'worker-1', ...fields, placement: { requests: { cpu }, ...placement } });

function scene(options: {
  readonly own?: Partial<NodeFact>;
  readonly others?: readonly NodeFact[];
  readonly pods?: readonly PodFact[];
  readonly headroom?: 'refuse' | 'warn' | 'off';
}) {
  const others = options.others ?? [worker('worker-2', '1.36.3', { allocatable: { cpu: 4000, pods: 10 } })];
  const world = exampleWorld({
    nodes: [worker('worker-1', '1.36.3', options.own), ...others],
    settings: { drain: { headroom: options.headroom ?? 'refuse' } },
    cluster: { pods: async ({ node, namespace }) => ((node ?? namespace === undefined) ? (options.pods ?? []) : []) },
  });
  const said = (): string[] =>
    world.seen.log.map(({ level, message, fields }) => `${level}: ${message}: ${fields['pods']}`);
  return { world, said, context: contextIn(world) };
}

describe('the step that looks for headroom', () => {
  it.each([
    ['is switched off', { headroom: 'off' } as const, 'drain.headroom is off'],
    [
      'comes too late, after a cordon of ours',
      { own: { cordonedBy: TARGET } },
      'an earlier Job has begun to drain the node',
    ],
    ['is due', {}, undefined],
    ['only warns', { headroom: 'warn' } as const, undefined],
    ["is due under a person's cordon", { own: { schedulable: false } }, undefined],
  ])('is skipped or not, with the reason, when it %s', async (_title, options, want) => {
    expect(await headroom.skip?.(scene(options).context)).toBe(want);
  });

  it.each([
    ['1.36.3', false],
    [TARGET, true],
  ])('is done on a node that shows %s: %s', async (kubelet, done) => {
    expect(await headroom.isDone?.(scene({ own: { kubelet } }).context)).toBe(done);
  });

  it('says nothing when all fits', async () => {
    const { context, world } = scene({ pods: [pod('a', 4000)] });
    await headroom.run(context);
    expect(world.seen.log).toEqual([]);
  });

  it('refuses what does not fit', async () => {
    const { context, world } = scene({ pods: [pod('a', 4000), pod('b', 500)] });
    expect(await refusalOf(headroom.run(context))).toEqual([
      {
        check: 'headroom',
        reason: 'NoHeadroom',
        class: 'actionable',
        severity: 'block',
        message:
          'Draining worker-1 would leave a pod without a place: cpu 4500m requested and 4 free, pods 2 requested and 10 free on worker-2; no place for apps/b (cpu 500m)',
        remedy: expect.stringContaining('drain.headroom') as string,
      },
    ]);
    expect(world.seen.log).toEqual([]);
  });

  it('warns and goes on where the settings say so', async () => {
    const { context, world } = scene({ pods: [pod('a', 4000), pod('b', 500)], headroom: 'warn' });
    await headroom.run(context);
    expect(world.seen.log).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: expect.stringMatching(/^Draining worker-1 would leave a pod without a place: /) as string,
        fields: expect.objectContaining({ check: 'headroom', reason: 'NoHeadroom', severity: 'warn' }) as object,
      }),
    ]);
  });

  it('names the pods that wait for their node', async () => {
    const { context, said } = scene({ pods: [pod('local', 100, { placement: { nodeSelector: { disk: 'local' } } })] });
    await headroom.run(context);
    expect(said()).toEqual([
      'warn: these pods are away until the node is back: no other node takes them, by their selectors or its taints: apps/local (cpu 100m)',
    ]);
  });

  it('names the pods for which it has found no place without a proof that there is none', async () => {
    const others = [4000, 3000].map((cpu, index) =>
      worker(`worker-${index + 2}`, '1.36.3', { allocatable: { cpu, pods: 10 } }),
    );
    const { context, said } = scene({ others, pods: [pod('a', 3000), pod('b', 2000), pod('c', 2000)] });
    await headroom.run(context);
    expect(said()).toEqual(['warn: the other nodes may be too full for these pods: apps/c (cpu 2)']);
  });
});

describe('shortageFinding', () => {
  const shortage = (fields: Partial<Shortage> = {}): Shortage => ({
    kind: 'together',
    pods: [pod('a', 2000)],
    nodes: [{ name: 'w2', free: { cpu: 1000, memory: 8 * GIB, pods: 10 } }],
    requested: { memory: 2 * GIB, cpu: 2000, pods: 1, gpu: 0 },
    ...fields,
  });
  const text = (fields: Partial<Shortage>): string => shortageFinding('w1', shortage(fields), 'block').message;

  it.each(['block', 'warn'] as const)('has the severity that it is given: %s', (severity) => {
    expect(shortageFinding('w1', shortage(), severity)).toMatchObject({ severity, reason: 'NoHeadroom' });
  });

  it('names what is short first, and leaves out what nobody asks for', () => {
    expect(text({})).toBe(
      'Draining w1 would leave a pod without a place: cpu 2 requested and 1 free, memory 2Gi requested and 8Gi free, pods 1 requested and 10 free on w2; no place for apps/a (cpu 2)',
    );
  });

  it('does not take a resource that is used up to the last piece for a short one', () => {
    expect(text({ requested: { memory: 8 * GIB, cpu: 1001 } })).toContain(
      'cpu 1001m requested and 1 free, memory 8Gi requested and 8Gi free on w2',
    );
  });

  it('adds up the nodes and takes what none has for nothing', () => {
    const nodes = [
      { name: 'w2', free: { cpu: 1000 } },
      { name: 'w3', free: { cpu: 500 } },
    ];
    expect(text({ nodes, requested: { cpu: 2000, gpu: 1 } })).toContain(
      'cpu 2 requested and 1500m free, gpu 1 requested and 0 free on w2, w3;',
    );
  });

  it('says of pods that are too big for each node what each has', () => {
    const nodes = [
      { name: 'w2', free: { cpu: 1000 } },
      { name: 'w3', free: { memory: GIB } },
    ];
    expect(text({ kind: 'each', nodes, requested: { cpu: 2000, pods: 0 } })).toContain(
      'no single node has room (w2 has cpu 1 free; w3 has cpu 0 free); no place for apps/a',
    );
    const many = Array.from({ length: 11 }, (_, index) => ({ name: `n${index}`, free: { cpu: 1 } }));
    expect(text({ kind: 'each', nodes: many, requested: { cpu: 2 } })).toMatch(
      /n9 has cpu 1m free; and 1 more\); no place/,
    );
  });

  it('says so when there is no node that could be used', () => {
    expect(text({ nodes: [] })).toContain(
      'without a place: every other node that they may run on is cordoned or not Ready; no place for',
    );
  });

  it.each([
    [2, /^Draining w1 would leave 2 pods without a place: .*no place for apps\/p0, apps\/p1$/],
    [10, /no place for apps\/p0, .*apps\/p9$/],
    [12, /^Draining w1 would leave 12 pods .*, apps\/p9 and 2 more$/],
  ])('counts %i pods and names ten', (count, message) => {
    const pods = Array.from({ length: count }, (_, index) => examplePod(`p${index}`));
    expect(text({ pods })).toMatch(message);
  });

  it('names all that a pod asks for', () => {
    const placement = { requests: { cpu: 250, memory: GIB } };
    expect(text({ pods: [examplePod('a', { placement })] })).toMatch(/no place for apps\/a \(cpu 250m, memory 1Gi\)$/);
  });
});
