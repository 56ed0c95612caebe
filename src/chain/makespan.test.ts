import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controlPlane, OLD, TARGET, worker } from '../../test/support/clusters.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { Rollout } from '../settings/rollout.ts';
import { type Estimate, makespan } from './makespan.ts';
import { isCanary, nextSteps, remainingSteps, soakSeconds } from './rollout.ts';
import { nodeOf, stepName } from './step.ts';

const NOW = new Date('2026-11-21T23:30:00Z');
const SOAK = 600;
const takes: Estimate = ({ phase }, soak) => ({ preflight: 20, master: 120, worker: 40 + soak, postflight: 20 })[phase];
const BESIDE = 20 + 120 + 20;

const workersOf = (...generations: number[]): NodeFact[] =>
  generations.flatMap((count, at) =>
    Array.from({ length: count }, (_, index) =>
      worker(`w${at}-${index}`, OLD, {
        labels: { gen: `g${at}`, 'topology.kubernetes.io/zone': index % 2 === 0 ? 'a' : 'b' },
      }),
    ),
  );
const spanOf = (settings: object, nodes: readonly NodeFact[]) =>
  makespan(
    { nodes: [controlPlane('cp-1'), ...nodes], target: TARGET, rollout: Rollout.parse(settings), now: NOW },
    takes,
    SOAK,
  );

/** The chain as it is, Job by Job: whoever ends looks, and nothing of it is left away. */
function chained(settings: object, nodes: readonly NodeFact[]): number {
  const rollout = Rollout.parse(settings);
  let state: NodeFact[] = [controlPlane('cp-1', TARGET), ...nodes];
  const ends = new Map<string, number>();
  let seconds = 20 + 120;
  const at = () => new Date(NOW.getTime() + seconds * 1000);
  for (;;) {
    const view = { nodes: state, target: TARGET, rollout };
    const { steps, pauseMs } = nextSteps({ ...view, now: at(), busy: new Set(ends.keys()) });
    if (steps.some(({ phase }) => phase === 'postflight')) return seconds + 20;
    for (const step of steps) {
      const name = nodeOf(step) ?? '';
      ends.set(name, seconds + takes(step, soakSeconds(isCanary(name, view), view.rollout, SOAK)));
    }
    state = state.map((node) => (ends.has(node.name) ? { ...node, unfinished: TARGET } : node));
    seconds = pauseMs > 0 ? seconds + pauseMs / 1000 : Math.min(...ends.values());
    const over = [...ends].filter(([, end]) => end <= seconds).map(([name]) => name);
    for (const name of over) ends.delete(name);
    const finished = `${TARGET} ${at().toISOString()}`;
    state = state.map((node) =>
      over.includes(node.name) ? { ...node, kubelet: TARGET, unfinished: null, finished } : node,
    );
  }
}

const groups = { label: 'gen' };

describe('how long a run takes', () => {
  it.each<[string, number, object, NodeFact[]]>([
    ['one after the other', 5 * 640, {}, workersOf(5)],
    ['as many rounds as are needed', 3 * 640, { maxUnavailable: 2 }, workersOf(5)],
    [
      'a pause between batches, and none after the last one',
      3 * 640 + 2 * 300,
      { maxUnavailable: 2, pauseSeconds: 300 },
      workersOf(5),
    ],
    [
      'a canary that is watched for longer, then all others',
      1840 + 640,
      { maxUnavailable: 4, canary: { perGroup: 1, soakSeconds: 1800 } },
      workersOf(5),
    ],
    [
      'groups one after the other, each with its canary',
      2 * (1840 + 640),
      { maxUnavailable: 9, groups, canary: { perGroup: 1, soakSeconds: 1800 } },
      workersOf(5, 3),
    ],
    [
      'the limit of a group',
      (3 + 2) * 640,
      { maxUnavailable: 9, groups: { ...groups, maxUnavailable: '50%' } },
      workersOf(5, 2),
    ],
    ['batches that are smaller than what may be away', 3 * 640, { maxUnavailable: 5, batch: 2 }, workersOf(6)],
    ['one zone at a time', 2 * 640, { maxUnavailable: 3, zones: 'one-at-a-time' }, workersOf(6)],
    ['no worker that is on the target', 640, { maxUnavailable: 2 }, [...workersOf(2), worker('w9', TARGET)]],
    [
      'what is half-way as if it were not begun',
      640,
      { maxUnavailable: 2 },
      [worker('w1', TARGET, { unfinished: TARGET }), worker('w2')],
    ],
  ])('%s', (_title, seconds, settings, nodes) => {
    expect(spanOf(settings, nodes).seconds).toBe(seconds + BESIDE);
  });

  it('says when each begins, in which round, and who is a canary', () => {
    const { steps, rounds } = spanOf({ maxUnavailable: 2, canary: { perGroup: 1 } }, workersOf(3));
    expect(steps.map(({ step, startsAt, round, isCanary }) => [stepName(step), startsAt, round, isCanary])).toEqual([
      ['preflight', 0, 0, false],
      ['master cp-1', 20, 0, false],
      ['worker w0-0', 140, 1, true],
      ['worker w0-1', 780, 2, false],
      ['worker w0-2', 780, 2, false],
      ['postflight', 1420, 0, false],
    ]);
    expect(rounds).toBe(2);
  });

  it('is what the chain takes, Job by Job, with each worker once, for any rollout', () => {
    const settings = fc.record({
      maxUnavailable: fc.constantFrom(1, 2, 3, 7, '30%', '100%'),
      pauseSeconds: fc.constantFrom(0, 0, 300),
      groups: fc.constantFrom(null, groups, { ...groups, order: ['g1'] }, { ...groups, maxUnavailable: '50%' }),
      canary: fc.constantFrom({}, { perGroup: 1 }, { perGroup: 2, soakSeconds: 1800 }),
      zones: fc.constantFrom('any', 'any', 'one-at-a-time'),
    });
    const counts = fc.array(fc.nat(6), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(settings, fc.boolean(), counts, (some, isBatched, sizes) => {
        const rollout = { ...some, ...(isBatched ? { batch: 1 } : {}) };
        const nodes = workersOf(...sizes);
        const { steps, seconds } = spanOf(rollout, nodes);
        expect(seconds).toBe(chained(rollout, nodes));
        const view = { nodes: [controlPlane('cp-1'), ...nodes], target: TARGET, rollout: Rollout.parse(rollout) };
        expect(steps.map(({ step }) => stepName(step)).toSorted()).toEqual(
          remainingSteps(view).map(stepName).toSorted(),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('is found out for thousands of workers in no time', () => {
    const begun = performance.now();
    expect(spanOf({ maxUnavailable: 2 }, workersOf(5000)).rounds).toBe(2500);
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});
