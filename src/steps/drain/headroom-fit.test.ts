import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodFact } from '../../cluster/cluster.ts';
import { parseResources } from '../../cluster/quantity.ts';
import { exampleNode } from '../../facts/example-facts.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { type ExamplePod, examplePod } from './example-pod.ts';
import { shortageFinding } from './headroom.ts';
import { planHeadroom } from './headroom-fit.ts';

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
