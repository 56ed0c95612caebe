import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GROUP, type Incident, type Scene, simulate, TARGET, type WorkerOf } from './rollout-simulation.ts';

const worker: fc.Arbitrary<WorkerOf> = fc.record({
  group: fc.constantFrom(null, 'a', 'b'),
  zone: fc.constantFrom(null, 'x', 'x', 'y'),
  budget: fc.constantFrom(null, null, 'db', 'web'),
});

const rollout = fc
  .record({
    maxUnavailable: fc.constantFrom<number | string>(1, 2, 3, 5, '20%', '34%', '50%', '100%'),
    batch: fc.constantFrom(null, null, 1, 2, 3),
    pauseSeconds: fc.constantFrom(0, 0, 60),
    groups: fc.constantFrom<null | {
      readonly label: string;
      readonly order: readonly string[];
      readonly maxUnavailable: number | string | null;
    }>(
      null,
      { label: GROUP, order: [], maxUnavailable: null },
      { label: GROUP, order: ['b'], maxUnavailable: 1 },
      { label: GROUP, order: [], maxUnavailable: '50%' },
    ),
    canary: fc.constantFrom({ perGroup: 0 }, { perGroup: 1 }, { perGroup: 2 }),
    maxFailed: fc.integer({ min: 0, max: 3 }),
    zones: fc.constantFrom('any', 'any', 'one-at-a-time'),
  })
  .map(({ batch, ...one }) => ({
    ...one,
    batch: batch !== null && typeof one.maxUnavailable === 'number' ? Math.min(batch, one.maxUnavailable) : batch,
  }));

const at = { at: fc.integer({ min: 0, max: 600 }), which: fc.nat({ max: 11 }) };
const calm: fc.Arbitrary<Incident> = fc.oneof(
  fc.record({ ...at, kind: fc.constant('down' as const), seconds: fc.integer({ min: 10, max: 1500 }) }),
  fc.record({ ...at, kind: fc.constant('clock' as const), seconds: fc.constantFrom(-7200, -60, 90, 7200) }),
);
const churn: fc.Arbitrary<Incident> = fc.oneof(
  calm,
  fc.record({ ...at, kind: fc.constant('join' as const), worker }),
  fc.record({ ...at, kind: fc.constant('vanish' as const) }),
  fc.record({ ...at, kind: fc.constant('relabel' as const), worker }),
);

const sceneWith = (incident: fc.Arbitrary<Incident>): fc.Arbitrary<Scene> =>
  fc.record({
    planes: fc.integer({ min: 1, max: 3 }),
    workers: fc.array(worker, { minLength: 1, maxLength: 12 }),
    rollout,
    allows: fc.record({ db: fc.constant(1), web: fc.integer({ min: 1, max: 3 }) }),
    incidents: fc.array(incident, { maxLength: 4 }),
    broken: fc.uniqueArray(fc.nat({ max: 11 }), { maxLength: 3 }),
    fuses: fc.array(
      fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }) }),
      {
        maxLength: 40,
      },
    ),
    delays: fc.array(fc.constantFrom(0, 0, 0, 200, 1500), { maxLength: 17 }),
  });

describe('several workers at a time, over any cluster, with Jobs that are killed and that fail', () => {
  it.each([
    ['nodes go down and clocks are set', calm],
    ['nodes join, vanish, and change their labels as well', churn],
  ])(
    'I05 I07 I08 D19 never more are away than may be, and all come to the target: %s',
    async (_, incident) => {
      await fc.assert(
        fc.asyncProperty(sceneWith(incident), async (scene) => {
          const { defects, nodes } = await simulate(scene);
          expect(defects).toEqual([]);
          expect(nodes.filter(({ kubelet, schedulable }) => kubelet !== TARGET || !schedulable)).toEqual([]);
        }),
        { numRuns: Number(process.env['NIGHTLIFT_TEST_SCENES'] ?? 60) },
      );
    },
    120_000,
  );

  const alike = (count: number, fields: Partial<WorkerOf> = {}): WorkerOf[] =>
    Array.from({ length: count }, () => ({ group: null, zone: null, budget: null, ...fields }));
  const scene = (fields: Partial<Scene>): Scene => ({
    planes: 1,
    workers: alike(6),
    rollout: { maxUnavailable: 3 },
    allows: {},
    incidents: [],
    broken: [],
    fuses: [],
    delays: [],
    ...fields,
  });

  it('does see workers go together, in their turn, and what was said of those that failed', async () => {
    const together = await simulate(scene({}));
    expect([together.mostAway, together.nights, together.said]).toEqual([3, 1, [[]]]);
    expect(together.begun).toEqual(['0', '1', '2', '3', '4', '5'].map((n) => `node-${n}`));
    expect((await simulate(scene({ workers: alike(4, { budget: 'db' }), allows: { db: 1 } }))).mostAway).toBe(1);
    const partly = await simulate(scene({ rollout: { maxUnavailable: 2, maxFailed: 1 }, broken: [2] }));
    expect([partly.nights, partly.defects]).toEqual([2, []]);
    expect(partly.said[0]?.join('\n')).toMatch(/FAILED — worker node-2[\s\S]*PARTLY DONE/);
  });

  it('begins with nobody again whose pod was killed after it had marked it, and others had gone on', async () => {
    for (let fuse = 20; fuse < 60; fuse += 1) {
      const { defects } = await simulate(
        scene({
          workers: alike(2),
          rollout: { maxFailed: 1 },
          broken: [0],
          fuses: [0, 0, fuse, 0],
          delays: [1500, 0],
        }),
      );
      expect([fuse, defects]).toEqual([fuse, []]);
    }
  });
});
