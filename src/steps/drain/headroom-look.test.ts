import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { headroom } from './headroom.ts';
import { freeOf, planHeadroom } from './headroom-fit.ts';

const nameOf = (index: number): string => `worker-${String(index).padStart(3, '0')}`;

/** The first worker is drained. What the step asks for, what it says, and what is true of the whole cluster. */
function scene(nodes: readonly NodeFact[], pods: readonly PodFact[]) {
  const asked: string[] = [];
  const drained = nodes[0]?.name ?? '';
  const on = (node: string): readonly PodFact[] => pods.filter((pod) => pod.node === node);
  const world = exampleWorld({
    nodes,
    settings: { drain: { headroom: 'refuse' } },
    cluster: {
      pods: async ({ node = 'everywhere' }) => {
        asked.push(node);
        return on(node);
      },
      nodes: async () => {
        asked.push('all nodes');
        return nodes;
      },
      node: async (name) => nodes.find((node) => node.name === name),
      outlines: async () => nodes,
    },
  });
  const others = nodes.slice(1);
  const whole = planHeadroom(
    on(drained),
    others,
    new Map(others.map((node) => [node.name, freeOf(node, on(node.name))])),
  );
  const context = contextIn(world, { phase: 'worker', node: drained });
  return { asked, whole, world, run: () => headroom.run(context) };
}

const pod = (name: string, node: string, cpu: number, only?: string): PodFact =>
  examplePod(name, {
    node,
    placement: { requests: { cpu }, ...(only === undefined ? {} : { nodeSelector: { pool: only } }) },
  });

describe('looking for headroom', () => {
  it('reads a few nodes of many, and neither all nodes nor all pods', async () => {
    const nodes = Array.from({ length: 300 }, (_, index) =>
      worker(nameOf(index), '1.36.3', { allocatable: { cpu: 4000 } }),
    );
    const { asked, run } = scene(nodes, [pod('a', nameOf(0), 3000), pod('b', nameOf(0), 3000)]);
    await run();
    expect(asked.length).toBeLessThan(8);
    expect(asked).not.toContain('all nodes');
    expect(asked).not.toContain('everywhere');
  });

  it('finds the one node with room, wherever it is', async () => {
    const nodes = Array.from({ length: 60 }, (_, index) =>
      worker(nameOf(index), '1.36.3', { allocatable: { cpu: index === 57 ? 4000 : 100 } }),
    );
    const { run, world } = scene(nodes, [pod('a', nameOf(0), 3000)]);
    await run();
    expect(world.seen.log).toEqual([]);
  });

  it('refuses what the whole cluster has no room for, and nothing else', async () => {
    const shape = fc.record({
      cpu: fc.integer({ min: 0, max: 6 }),
      pool: fc.constantFrom('a', 'b'),
      ready: fc.boolean(),
    });
    const demand = fc.record({
      cpu: fc.integer({ min: 0, max: 4 }),
      only: fc.option(fc.constantFrom('a', 'b', 'c')),
      on: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(shape, { minLength: 1, maxLength: 30 }),
        fc.array(demand, { maxLength: 40 }),
        async (shapes, demands) => {
          const nodes = shapes.map(({ cpu, pool, ready }, index) =>
            worker(nameOf(index), '1.36.3', {
              ready: ready ? 'yes' : 'no',
              labels: { pool },
              allocatable: { cpu: cpu * 1000 },
            }),
          );
          const pods = demands.map(({ cpu, only, on }, index) =>
            pod(`p${index}`, nameOf(on % nodes.length), cpu * 1000, only ?? undefined),
          );
          const { run, whole, world } = scene(nodes, pods);
          const refused = await run().then(
            () => false,
            () => true,
          );
          expect(refused).toBe(whole.shortage !== undefined);
          const pinned = world.seen.log.filter(({ message }) => message.includes('away until the node is back'));
          expect(pinned).toHaveLength(whole.pinned.length > 0 ? 1 : 0);
        },
      ),
      { numRuns: 400 },
    );
  });
});
