import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { killAtEveryPoint } from './kill-points.ts';
import { makeHttpMortal } from './mortal-network.ts';

const TARGET = '1.36.4';
const PATCH: Topology = { controlPlanes: 1, workers: 2, version: '1.36.3', published: [TARGET] };
/** Of several requests in flight at once another one may be the second in another night. */
const MAY_BE_MISSED = 0.01;

let restore: () => void;
beforeAll(() => {
  restore = makeHttpMortal();
});
afterAll(() => restore());

describe('a process is killed before, during and after everything that it asks for', { timeout: 1_200_000 }, () => {
  it('I08 I12 I17 I21 D08 D20 patch: at every point, and each upgrade ends as one in which nothing was killed', async () => {
    const { points, taken, missed, upgrades, problems } = await killAtEveryPoint({
      topology: PATCH,
      target: TARGET,
      foreignCordons: [],
    });
    console.log(`patch: ${points} points, killed at ${taken - missed.length} of them in ${upgrades} upgrades`);
    expect(problems).toEqual([]);
    expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(taken * MAY_BE_MISSED);
  });
});
