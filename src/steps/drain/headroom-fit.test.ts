import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodFact } from '../../cluster/cluster.ts';
import { type ExamplePod, examplePod } from '../../cluster/example-pod.ts';
import { parseResources } from '../../cluster/quantity.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { shortageFinding } from './headroom.ts';
import { freeOf, type Headroom, planHeadroom as planOver } from './headroom-fit.ts';

const node = (name: string, cpu: string, memory = '8Gi', fields: Partial<NodeFact> = {}): NodeFact =>
  exampleNode(name, {
    role: 'worker',
    labels: { 'kubernetes.io/hostname': name },
    allocatable: parseResources({ cpu, memory, pods: '10' }),
    ...fields,
  });
const pod = (name: string, cpu: string, { placement, ...fields }: ExamplePod = {}): PodFact =>
  examplePod(name, { ...fields, placement: { requests: parseResources({ cpu }), ...placement } });
const names = (pods: readonly PodFact[]): string[] => pods.map(({ name }) => name);

/** When every node was read. */
function planHeadroom(drained: string, nodes: readonly NodeFact[], pods: readonly PodFact[]): Omit<Headroom, 'unread'> {
  const others = nodes.filter(({ name }) => name !== drained);
  const on = (node: string): readonly PodFact[] => pods.filter((each) => each.node === node);
  const free = new Map(others.map((each) => [each.name, freeOf(each, on(each.name))]));
  const { unread, ...plan } = planOver(on(drained), others, free);
  expect(unread).toEqual([]);
  return plan;
}

describe('planHeadroom', () => {
  const w1 = node('w1', '4');

  it('finds room for what fits', () => {
    const pods = [pod('a', '2'), pod('b', '1500m'), pod('there', '500m', { node: 'w2' })];
    expect(planHeadroom('w1', [w1, node('w2', '4')], pods)).toEqual({ pinned: [], shortage: undefined, unsure: [] });
  });

  it('gives the numbers when there is not enough', () => {
    const pods = [pod('a', '2'), pod('b', '1500m'), pod('there', '1', { node: 'w2' })];
    const { shortage } = planHeadroom('w1', [w1, node('w2', '4')], pods);
    expect(shortage).toMatchObject({ kind: 'together', requested: { cpu: 3500, pods: 2 } });
    const message = shortage === undefined ? '' : shortageFinding('w1', shortage, 'block').message;
    expect(message).toBe(
      'Draining w1 would leave a pod without a place: cpu 3500m requested and 3 free, pods 2 requested and 9 free on w2; no place for apps/b (cpu 1500m)',
    );
  });

  it('says of a pod that is too big for every node what each of them has', () => {
    const { shortage } = planHeadroom('w1', [w1, node('w2', '2'), node('w3', '3')], [pod('big', '3500m')]);
    expect(shortage === undefined ? '' : shortageFinding('w1', shortage, 'block').message).toContain(
      'no single node has room (w2 has cpu 2, pods 10 free; w3 has cpu 3, pods 10 free); no place for apps/big (cpu 3500m)',
    );
  });

  it('counts pods as well as their requests', () => {
    const many = Array.from({ length: 11 }, (_, index) => pod(`p${index}`, '0'));
    expect(planHeadroom('w1', [w1, node('w2', '4')], many).shortage).toMatchObject({ requested: { pods: 11 } });
  });

  it.each<[string, NodeFact, ExamplePod]>([
    ['that is cordoned', node('w2', '4', '8Gi', { schedulable: false }), {}],
    ['that is not Ready', node('w2', '4', '8Gi', { ready: 'unknown' }), {}],
    [
      'with a taint of the moment',
      node('w2', '4', '8Gi', { taints: [{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }] }),
      {},
    ],
  ])('does not count on a node %s', (_title, other, fields) => {
    const { shortage } = planHeadroom('w1', [w1, other], [pod('a', '1', fields)]);
    expect(shortage).toMatchObject({ nodes: [] });
    expect(shortage === undefined ? '' : shortageFinding('w1', shortage, 'warn').message).toContain(
      'every other node that they may run on is cordoned or not Ready',
    );
  });

  it.each<[string, NodeFact, ExamplePod['placement']]>([
    ['by its selector', node('w2', '4'), { nodeSelector: { 'kubernetes.io/hostname': 'w1' } }],
    [
      'by its affinity',
      node('w2', '4'),
      {
        nodeAffinity: [
          { labels: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['w1'] }], fields: [] },
          { labels: [], fields: [] },
        ],
      },
    ],
    [
      "by the others' taint",
      node('w2', '4', '8Gi', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] }),
      { tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'web', effect: 'NoSchedule' }] },
    ],
  ])('tells a pod that belongs to this node %s from one that has no room', (_title, other, placement) => {
    const { pinned, shortage } = planHeadroom('w1', [w1, other], [pod('a', '1', { placement: placement ?? {} })]);
    expect([names(pinned), shortage]).toEqual([['a'], undefined]);
  });

  it.each<[string, ExamplePod]>([
    ['a DaemonSet pod', { owner: { kind: 'DaemonSet', name: 'cni' } }],
    ['a static pod', { mirror: true }],
    ['a bare pod, which nothing makes anew', { owner: null }],
    ['a pending pod', { phase: 'Pending' }],
    ['a finished pod', { phase: 'Succeeded' }],
    ['a pod on its way out', { deleting: true }],
    ['a filler, which gives way', { placement: { requests: { cpu: 9000 }, priority: -10 } }],
  ])('needs no room for %s', (_title, fields) => {
    expect(planHeadroom('w1', [w1, node('w2', '4')], [pod('a', '9', fields)])).toEqual({
      pinned: [],
      shortage: undefined,
      unsure: [],
    });
  });

  it('is sure of nothing about a node that does not say what it has', () => {
    expect(planHeadroom('w1', [w1, node('w2', '4', '8Gi', { allocatable: {} })], [pod('a', '99')]).shortage).toBe(
      undefined,
    );
  });

  it('never takes such a node for a full one, however many pods it is given', () => {
    const silent = node('w2', '', '', { allocatable: {} });
    expect(planHeadroom('w1', [w1, silent], [pod('a', '99'), pod('b', '99')])).toEqual({
      pinned: [],
      shortage: undefined,
      unsure: [],
    });
  });

  it('does not refuse for pieces that only might not fit together', () => {
    const pods = ['3', '2', '2'].map((cpu, index) => pod(`p${index}`, cpu));
    // Seven cores are asked and seven are there: first-fit puts the 3 where the two 2 would have had to go.
    const result = planHeadroom('w1', [w1, node('w2', '4'), node('w3', '3')], pods);
    expect(result.shortage).toBe(undefined);
    expect(names(result.unsure)).toEqual(['p2']);
  });

  it('refuses a resource that no other node has', () => {
    const gpu = pod('ai', '1', { placement: { requests: { cpu: 1000, 'example.com/gpu': 1 } } });
    expect(planHeadroom('w1', [w1, node('w2', '4')], [gpu]).shortage?.pods).toEqual([gpu]);
  });

  it('counts on what stays on the other nodes, and on nothing that goes from there', () => {
    const there = (name: string, fields: ExamplePod): PodFact => pod(name, '3', { node: 'w2', ...fields });
    const room = (fields: ExamplePod): boolean =>
      planHeadroom('w1', [w1, node('w2', '4')], [pod('a', '2'), there('b', fields)]).shortage === undefined;
    expect([
      room({}),
      room({ owner: { kind: 'DaemonSet', name: 'cni' } }),
      room({ mirror: true }),
      room({ owner: null }),
      room({ phase: 'Pending' }),
      room({ placement: { requests: { cpu: 3000 }, priority: 0 } }),
      room({ phase: 'Succeeded' }),
      room({ phase: 'Failed' }),
      room({ deleting: true }),
      room({ placement: { requests: { cpu: 3000 }, priority: -1 } }),
      room({ node: 'w3' }),
      room({ node: null }),
    ]).toEqual([false, false, false, false, false, false, true, true, true, true, true, true]);
  });

  it.each<[string, ExamplePod, boolean]>([
    ['runs', {}, true],
    ['has a priority of nothing', { placement: { requests: { cpu: 9000 }, priority: 0 } }, true],
    ['has a priority below nothing', { placement: { requests: { cpu: 9000 }, priority: -1 } }, false],
    ['is on another node', { node: 'w3' }, false],
  ])('looks for a place for a pod of the node that %s: %s', (_title, fields, isPlaced) => {
    const { shortage } = planHeadroom('w1', [w1, node('w2', '4')], [pod('a', '9', fields)]);
    expect(shortage !== undefined).toBe(isPlaced);
  });

  it('fills a node to the last piece, and not beyond it', () => {
    const plan = (cpu: string, count = 1) =>
      planHeadroom(
        'w1',
        [w1, node('w2', '4', '8Gi', { allocatable: { cpu: 4000, pods: 2 } })],
        Array.from({ length: count }, (_, index) => pod(`p${index}`, cpu)),
      ).shortage?.kind;
    expect([plan('4'), plan('4001m'), plan('2', 2), plan('2001m', 2), plan('0', 2), plan('0', 3)]).toEqual([
      undefined,
      'each',
      undefined,
      'together',
      undefined,
      'together',
    ]);
  });

  it('takes pods for no limit on a node that names other things only', () => {
    const other = node('w2', '4', '8Gi', { allocatable: { cpu: 4000 } });
    const pods = Array.from({ length: 300 }, (_, index) => pod(`p${index}`, '0'));
    expect(planHeadroom('w1', [w1, other], pods)).toEqual({ pinned: [], shortage: undefined, unsure: [] });
  });

  it('lets a pod that asks nothing of it onto a node that is overcommitted', () => {
    const full = [pod('there', '5', { node: 'w2' })];
    const other = node('w2', '4');
    expect(planHeadroom('w1', [w1, other], [...full, pod('a', '0')]).shortage).toBeUndefined();
    expect(planHeadroom('w1', [w1, other], [...full, pod('a', '1m')]).shortage).toEqual({
      kind: 'each',
      pods: [pod('a', '1m')],
      // What is overcommitted has nothing to give, and nothing is owed.
      nodes: [{ name: 'w2', free: { cpu: 0, memory: 8 * 2 ** 30, pods: 9 } }],
      requested: { cpu: 1, pods: 1 },
    });
  });

  it('takes a resource that pods of a node use and that the node does not name for one that is not there', () => {
    const using = pod('there', '1', { node: 'w2', placement: { requests: { gpu: 1 } } });
    const asking = pod('a', '1', { placement: { requests: { gpu: 1 } } });
    expect(planHeadroom('w1', [w1, node('w2', '4')], [using, asking]).shortage?.nodes[0]?.free).toMatchObject({
      gpu: 0,
    });
  });

  it('places the pods with the fewest nodes first, then the biggest, so that nothing is refused without need', () => {
    const on = (name: string) => ({ nodeSelector: { 'kubernetes.io/hostname': name } });
    const others = [node('w2', '4'), node('w3', '4')];
    const choosy = [pod('any', '4'), pod('only', '4', { placement: { requests: { cpu: 4000 }, ...on('w2') } })];
    expect(planHeadroom('w1', [w1, ...others], choosy).unsure).toEqual([]);
    const sizes = ['1', '1', '3', '3'].map((cpu, index) => pod(`p${index}`, cpu));
    expect(planHeadroom('w1', [w1, ...others], sizes).unsure).toEqual([]);
  });

  it('weighs a pod by what is scarcest', () => {
    const others = ['w2', 'w3'].map((name) => node(name, '', '', { allocatable: { cpu: 100_000, gpu: 3, pods: 100 } }));
    const asks = (name: string, cpu: number, gpu: number) => pod(name, '', { placement: { requests: { cpu, gpu } } });
    // By what they ask of the gpu the last two go first, by their cpu the first two, and then one has no place.
    const pods = [asks('a', 9000, 1), asks('b', 9000, 1), asks('c', 1, 2), asks('d', 1, 2)];
    expect(planHeadroom('w1', [w1, ...others], pods).unsure).toEqual([]);
  });

  it('blames only the pods for which there is no place, and counts all that need these nodes', () => {
    const on = (name: string, cpu: number) => ({
      requests: { cpu },
      nodeSelector: { 'kubernetes.io/hostname': name },
    });
    const others = [node('w2', '4'), node('w3', '4')];
    const pods = [
      pod('a', '', { placement: on('w2', 3000) }),
      pod('b', '', { placement: on('w2', 2000) }),
      pod('free', '1'),
    ];
    const { shortage } = planHeadroom('w1', [w1, ...others], pods);
    expect(shortage).toMatchObject({
      kind: 'together',
      pods: [{ name: 'b' }],
      nodes: [{ name: 'w2', free: { cpu: 4000 } }],
      requested: { cpu: 5000, pods: 2 },
    });
  });

  it('does not blame a pod that has no place for another reason', () => {
    const zone = (name: string): NodeFact => node(name, '4', '8Gi', { labels: { zone: 'z' } });
    const nodes = [w1, node('w2', '4'), zone('w3'), zone('w4')];
    const to = (name: string, cpu: number, nodeSelector: Record<string, string>): PodFact =>
      pod(name, '', { placement: { requests: { cpu }, nodeSelector } });
    const w2 = { 'kubernetes.io/hostname': 'w2' };
    const pods = [
      to('a', 3000, w2),
      to('b', 1500, w2),
      ...[2500, 2500, 2000].map((cpu, index) => to(`p${index}`, cpu, { zone: 'z' })),
    ];
    expect(names(planHeadroom('w1', nodes, pods).shortage?.pods ?? [])).toEqual(['b']);
  });

  it('names every pod that is too big, with the nodes of all of them', () => {
    const on = (name: string) => ({ requests: { cpu: 9000 }, nodeSelector: { 'kubernetes.io/hostname': name } });
    const others = [node('w2', '4'), node('w3', '3'), node('w4', '2')];
    const pods = [pod('a', '', { placement: on('w2') }), pod('b', '', { placement: on('w3') }), pod('c', '1')];
    const { shortage } = planHeadroom('w1', [w1, ...others], pods);
    expect(shortage).toMatchObject({ kind: 'each', requested: { cpu: 18_000, pods: 2 } });
    expect([names(shortage?.pods ?? []), shortage?.nodes.map(({ name }) => name)]).toEqual([
      ['a', 'b'],
      ['w2', 'w3'],
    ]);
  });

  it('proves nothing with a node among them that does not say what it has', () => {
    const silent = node('w3', '', '', { allocatable: {} });
    const pods = [pod('a', '3'), pod('b', '3')];
    expect(planHeadroom('w1', [w1, node('w2', '4'), silent], pods)).toEqual({
      pinned: [],
      shortage: undefined,
      unsure: [],
    });
    const on = { requests: { cpu: 3000 }, nodeSelector: { 'kubernetes.io/hostname': 'w2' } };
    const bound = ['c', 'd'].map((name) => pod(name, '', { placement: on }));
    expect(planHeadroom('w1', [w1, node('w2', '4'), silent], [...pods, ...bound]).shortage).toMatchObject({
      nodes: [{ name: 'w2' }],
      requested: { cpu: 6000 },
    });
  });

  const small = fc.record({
    nodes: fc.array(fc.record({ cpu: fc.integer({ min: 0, max: 6 }), pods: fc.integer({ min: 0, max: 4 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    pods: fc.array(
      fc.record({ cpu: fc.integer({ min: 0, max: 4 }), only: fc.constantFrom<number | null>(null, null, 0, 1, 2) }),
      { maxLength: 6 },
    ),
  });

  it('never refuses what some placement would fit, and never passes in silence what none fits', () => {
    let refused = 0;
    fc.assert(
      fc.property(small, ({ nodes, pods }) => {
        const others = nodes.map(({ cpu, pods: count }, index) =>
          node(`n${index}`, `${cpu}`, '8Gi', { allocatable: { cpu: cpu * 1000, pods: count } }),
        );
        const movers = pods.map(({ cpu, only }, index) =>
          pod(`p${index}`, `${cpu}`, {
            placement: {
              requests: { cpu: cpu * 1000 },
              nodeSelector: only === null ? {} : { 'kubernetes.io/hostname': `n${only}` },
            },
          }),
        );
        const { pinned, shortage, unsure } = planHeadroom('w1', [w1, ...others], movers);
        const placeable = pods.filter(({ only }) => only === null || only < nodes.length);
        expect(pinned).toHaveLength(pods.length - placeable.length);
        const possible = canPlace(placeable, nodes);
        if (shortage !== undefined) {
          refused += 1;
          expect(possible).toBe(false);
          expect(shortage.pods.length).toBeGreaterThan(0);
        }
        if (!possible) expect(shortage !== undefined || unsure.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

interface Room {
  readonly cpu: number;
  readonly pods: number;
}

/** Tries every placement. */
function canPlace(
  pods: readonly { readonly cpu: number; readonly only: number | null }[],
  rooms: readonly Room[],
): boolean {
  const [first, ...rest] = pods;
  if (first === undefined) return true;
  return rooms.some(
    (room, index) =>
      (first.only === null || first.only === index) &&
      room.cpu >= first.cpu &&
      room.pods >= 1 &&
      canPlace(
        rest,
        rooms.map((each, at) => (at === index ? { cpu: each.cpu - first.cpu, pods: each.pods - 1 } : each)),
      ),
  );
}
