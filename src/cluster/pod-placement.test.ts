import { describe, expect, it } from 'vitest';
import { PlacementSpec, placementOf } from './pod-placement.ts';

const requests = (spec: object) => placementOf(PlacementSpec.parse(spec)).requests;
const needs = (cpu: string, more: object = {}) => ({ resources: { requests: { cpu } }, ...more });

describe('what a pod reserves', () => {
  it.each<[string, object, number]>([
    ['is what its containers ask together', { containers: [needs('1'), needs('500m')] }, 1500],
    ['is what its start asks when that is more', { containers: [needs('1')], initContainers: [needs('3')] }, 3000],
    ['is not the sum of both', { containers: [needs('2')], initContainers: [needs('1'), needs('1')] }, 2000],
    [
      'has the sidecars beside the containers',
      { containers: [needs('1')], initContainers: [needs('500m', { restartPolicy: 'Always' })] },
      1500,
    ],
    [
      'has the sidecars that run already beside what starts after them',
      {
        containers: [needs('100m')],
        initContainers: [needs('500m', { restartPolicy: 'Always' }), needs('2')],
      },
      2500,
    ],
    ['has the overhead on top', { containers: [needs('1')], overhead: { cpu: '250m' } }, 1250],
    ['is what the pod asks as a whole', { containers: [needs('1')], resources: { requests: { cpu: '4' } } }, 4000],
  ])('%s', (_title, spec, cpu) => {
    expect(requests(spec)).toEqual({ cpu });
  });

  it('is nothing without requests', () => {
    expect(requests({ containers: [{}, { resources: { limits: { cpu: '1' } } }] })).toEqual({});
  });
});
