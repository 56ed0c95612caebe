import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placement } from '../../src/chain/placement.ts';
import { jobName, nodeOf, type Step } from '../../src/chain/step.ts';
import { exampleNode } from '../../src/facts/example-facts.ts';
import type { NodeFact } from '../../src/facts/node-fact.ts';
import { controlPlanes, isOnTarget, workers } from '../../src/facts/nodes.ts';
import { nextStep, stepsOneByOne } from '../support/next-step.ts';
import { createSimulation, type Move, skewDefects } from './chain-simulation.ts';

const TARGET = '1.36.4';
const CONTROL_PLANE_TAINT = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' as const };

const version = fc.constantFrom('1.35.8', '1.36.3', TARGET);
const taint = fc.constantFrom(
  CONTROL_PLANE_TAINT,
  { key: 'gpu', effect: 'NoSchedule' as const },
  { key: 'slow', effect: 'PreferNoSchedule' as const },
);

/** Any node that a cluster can have, in the middle of anything. */
const anyNode = (role: NodeFact['role'], name: string): fc.Arbitrary<NodeFact> =>
  fc
    .record({
      kubelet: version,
      apiServer: role === 'worker' ? fc.constant(null) : fc.option(version),
      ready: fc.constantFrom('yes' as const, 'yes' as const, 'no' as const, 'unknown' as const),
      schedulable: fc.boolean(),
      cordonedBy: fc.constantFrom(null, null, `${TARGET} 2026-11-21T23:00:00Z`),
      unfinished: fc.constantFrom(null, null, TARGET),
      taints: fc.uniqueArray(taint, { maxLength: 2, selector: ({ key }) => key }),
    })
    .map((fields) => exampleNode(name, { ...fields, role }));

const anyCluster: fc.Arbitrary<readonly NodeFact[]> = fc
  .record({ planes: fc.integer({ min: 1, max: 5 }), others: fc.integer({ min: 0, max: 8 }) })
  .chain(({ planes, others }) =>
    fc.tuple(
      ...Array.from({ length: planes }, (_, index) => anyNode('control-plane', `cp-${index}`)),
      ...Array.from({ length: others }, (_, index) => anyNode('worker', `node-${index}`)),
    ),
  )
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }));

const stepsOf = (nodes: readonly NodeFact[]): readonly Step[] => [
  { phase: 'preflight' },
  { phase: 'postflight' },
  ...controlPlanes(nodes).map((node): Step => ({ phase: 'master', node: node.name })),
  ...workers(nodes).map((node): Step => ({ phase: 'worker', node: node.name })),
];

function canRunThere(node: NodeFact, step: Step): boolean {
  const isFree = node.taints.every(
    ({ key, effect }) => effect === 'PreferNoSchedule' || key === CONTROL_PLANE_TAINT.key,
  );
  return node.name !== nodeOf(step) && node.ready === 'yes' && node.schedulable && isFree;
}

describe('the chain over any cluster', () => {
  it('I01 I20 places a Job only where it can run, never on the node that it drains, and says why not for every other node', () => {
    fc.assert(
      fc.property(anyCluster, (nodes) => {
        for (const step of stepsOf(nodes)) {
          const place = placement(step, nodes, TARGET);
          const fit = nodes.filter((node) => canRunThere(node, step));
          if (place.kind === 'none') {
            expect(fit).toEqual([]);
            expect(place.rejected.map(({ node }) => node).toSorted()).toEqual(nodes.map(({ name }) => name).toSorted());
          } else if (place.kind === 'node') {
            expect(fit.map(({ name }) => name)).toContain(place.node);
          } else {
            expect([step.phase, fit.length > 0]).toEqual(['postflight', true]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('I05 I07 D19 takes control planes before workers, each by name but for workers that were left down, and ends only when every node is finished', () => {
    fc.assert(
      fc.property(anyCluster, (nodes) => {
        const step = nextStep(nodes, TARGET);
        const pending = nodes.filter((node) => !isOnTarget(node, TARGET));
        const planes = pending.filter(({ role }) => role === 'control-plane');
        const down = pending.filter((node) => node.ready !== 'yes' && (node.cordonedBy ?? node.unfinished) !== null);
        const inTurn = planes.length > 0 ? planes : down.length > 0 ? down : pending;
        const [first] = inTurn.map(({ name }) => name).toSorted();
        expect(nodeOf(step)).toBe(first);
        expect(step.phase).toBe(planes.length > 0 ? 'master' : pending.length > 0 ? 'worker' : 'postflight');
        expect(stepsOneByOne(nodes, TARGET).slice(1)[0]).toEqual(step);
      }),
      { numRuns: 500 },
    );
  });

  it('gives every step a name of its own that a label can hold, the same in every order of the nodes', () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?$/);
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 12 }), (names) => {
        const jobs = names.map((node) => jobName({ phase: 'worker', node }, TARGET, 'cp-0'));
        expect(new Set(jobs).size).toBe(names.length);
        for (const job of jobs) expect(job).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }),
      { numRuns: 300 },
    );
  });
});

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('kill' as const), after: fc.integer({ min: 0, max: 7 }) }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'finish' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'next-night' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'join' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('stray' as const),
      node: fc.nat({ max: 7 }),
      after: fc.integer({ min: 0, max: 7 }),
    }),
  },
);

describe('the chain under any kills', () => {
  it('I05 I12 D08 D19 D20 keeps the versions together at every moment, drains one node at a time in its turn, and comes to its end once nobody kills it any more', () => {
    fc.assert(
      fc.property(
        fc.record({
          planes: fc.constantFrom(1, 3),
          // Beside the drained node and one that a person cordoned there is one for the Job.
          workers: fc.integer({ min: 2, max: 5 }),
          from: fc.constantFrom('1.35.8', '1.36.3'),
          kubelets: fc.constantFrom([], ['1.35.8'], ['1.35.2', '1.34.9'], ['1.33.12', '1.35.8', '1.34.0']),
          cordonedByHand: fc.integer({ min: 0, max: 7 }),
        }),
        fc.array(move, { maxLength: 60 }),
        (cluster, moves) => {
          const simulation = createSimulation({ ...cluster, target: TARGET });
          for (const one of moves) {
            simulation.make(one);
            expect(simulation.defects()).toEqual([]);
          }
          // A Job that finds no node for itself is refused; the next night lifts what a stray one has left cordoned.
          for (let rest = 0; rest < 100 && !simulation.isOver(); rest += 1)
            simulation.make({ kind: rest % 10 === 9 ? 'next-night' : 'finish' });
          expect(simulation.isOver()).toBe(true);
          expect(simulation.defects()).toEqual([]);
          const byName = simulation.begun().toSorted((a, b) => a.localeCompare(b, 'en'));
          if (!moves.some(({ kind }) => kind === 'join')) expect(simulation.begun()).toEqual(byName);
          for (const node of simulation.nodes()) {
            expect([node.kubelet, node.cordonedBy, node.unfinished]).toEqual([TARGET, null, null]);
            expect(node.schedulable).toBe(node.name !== simulation.cordonedByHand);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each([
    [['1.35.8'], TARGET, 'the kubelet of node-0 is newer than an API server'],
    [[TARGET], '1.32.9', 'the kubelet of node-0 is too old for an API server'],
    [['1.34.8', TARGET], '1.34.8', 'API servers are more than one minor apart'],
  ])('knows a cluster whose versions are too far apart: %j with a kubelet %s', (servers, kubelet, defect) => {
    const planes = servers.map((apiServer, index) => exampleNode(`cp-${index}`, { kubelet: apiServer }));
    expect(skewDefects([...planes, exampleNode('node-0', { kubelet })])).toEqual([defect]);
  });
});
