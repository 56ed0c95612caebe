import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { killAtEveryPoint } from './kill-points.ts';
import { makeHttpMortal } from './mortal-network.ts';

const TARGET = '1.36.4';
const PATCH: Topology = { controlPlanes: 1, workers: 2, version: '1.36.3', published: [TARGET] };
/** Prime, so that no kind of point is always left out. */
const EVERY = 7;
const MAY_BE_MISSED = 0.05;

let restore: () => void;
beforeAll(() => {
  restore = makeHttpMortal();
});
afterAll(() => restore());

describe('a sample of the points at which a process can be killed', { timeout: 1_200_000 }, () => {
  it.concurrent.each([
    { name: 'minor', topology: { ...PATCH, version: '1.35.8' }, foreignCordons: [] },
    { name: 'HA', topology: { ...PATCH, controlPlanes: 3 }, foreignCordons: ['control-2'] },
    { name: 'HA minor', topology: { ...PATCH, controlPlanes: 3, version: '1.35.8' }, foreignCordons: [] },
  ])('D08 D13 D19 $name: each upgrade ends as one in which nothing was killed', async ({ name, ...night }) => {
    const { points, taken, missed, upgrades, problems } = await killAtEveryPoint({
      ...night,
      target: TARGET,
      every: EVERY,
    });
    console.log(`${name}: ${points} points, killed at ${taken - missed.length} of ${taken} in ${upgrades} upgrades`);
    expect(problems).toEqual([]);
    expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(taken * MAY_BE_MISSED);
  });
});
