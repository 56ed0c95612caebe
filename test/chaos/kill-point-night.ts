import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Access } from '../../src/node/ssh-node-shell.ts';
import type { Topology } from '../../src/rehearsal/topology.ts';
import { killAtEveryPoint } from './kill-points.ts';
import { makeHttpMortal } from './mortal-network.ts';

export interface KillPointNight {
  readonly name: string;
  readonly topology: Partial<Topology>;
  readonly foreignCordons?: readonly string[];
  readonly access?: Access;
  readonly withoutDrain?: boolean;
  /** Of the recorded points only every so manieth: a prime, so that no kind of point is always left out. */
  readonly every?: number;
}

const TARGET = '1.36.4';
const PATCH: Topology = { controlPlanes: 1, workers: 2, version: '1.36.3', published: [TARGET] };
/** Of several requests in flight at once another one may be the second in another night. */
const MAY_BE_MISSED = 0.01;

/** One file for each night, so that they run beside each other. */
export function describeKillPoints({
  name,
  topology,
  foreignCordons = [],
  access,
  withoutDrain = false,
  every = 1,
}: KillPointNight): void {
  let restore: () => void;
  beforeAll(() => {
    restore = makeHttpMortal();
  });
  afterAll(() => restore());

  describe('a process is killed before, during and after everything that it asks for', { timeout: 1_800_000 }, () => {
    it(`I08 I12 I17 I21 D08 D13 D19 D20 ${name}: each upgrade ends as one in which nothing was killed`, async () => {
      const { points, taken, missed, upgrades, problems } = await killAtEveryPoint({
        topology: { ...PATCH, ...topology },
        target: TARGET,
        foreignCordons,
        withoutDrain,
        ...(access === undefined ? {} : { access }),
        every,
      });
      console.log(`${name}: ${points} points, killed at ${taken - missed.length} of ${taken} in ${upgrades} upgrades`);
      expect(problems).toEqual([]);
      expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(Math.ceil(taken * MAY_BE_MISSED));
    });
  });
}
