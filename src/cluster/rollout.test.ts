import { expect, it } from 'vitest';
import { rollingOf } from './rollout.ts';

it.each([
  ['by default, one replica', undefined, 1, { surge: 1, unavailable: 0 }],
  ['by default, ten replicas', { type: 'RollingUpdate' }, 10, { surge: 3, unavailable: 2 }],
  ['in numbers', { rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } }, 1, { surge: 2, unavailable: 1 }],
  ['that may do nothing', { rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' } }, 1, { surge: 0, unavailable: 1 }],
  ['with an odd share', { rollingUpdate: { maxSurge: 1, maxUnavailable: 'some' } }, 1, null],
  ['of the strategy Recreate', { type: 'Recreate' }, 1, null],
])('a rollout %s is resolved as the deployment controller does it', (_title, strategy, replicas, want) => {
  expect(rollingOf(strategy, replicas)).toEqual(want);
});
