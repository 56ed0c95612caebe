import { describe, expect, it } from 'vitest';
import { parseSettings } from './parse-settings.ts';
import { isOneByOne, isParallel, Rollout, sharedOut } from './rollout.ts';

describe('a rollout that contradicts itself', () => {
  it.each([
    ['{maxUnavailable: 2, batch: 3}', 'rollout.batch: 3 is more than rollout.maxUnavailable (2) lets go at a time'],
    ['{batch: 2}', 'rollout.batch: 2 is more than rollout.maxUnavailable (1) lets go at a time'],
    [
      '{maxUnavailable: 2, groups: {label: gen, maxUnavailable: 3}}',
      'rollout.groups.maxUnavailable: 3 is more than rollout.maxUnavailable (2) lets go at a time',
    ],
    [
      '{canary: {soakSeconds: 60}}',
      'rollout.canary.soakSeconds: there are no canaries: set rollout.canary.perGroup, or leave it away',
    ],
    ['{maxUnavailable: 0}', 'rollout.maxUnavailable: give a number of nodes from 1, or a percentage such as 10%'],
    ['{maxUnavailable: 101%}', 'rollout.maxUnavailable: give a number of nodes from 1, or a percentage such as 10%'],
    ['{groups: {order: [a]}}', 'rollout.groups.label: '],
    ['{maxFailures: 2}', 'rollout.maxFailures: no such key; did you mean "maxFailed"?'],
  ])('%s is refused with the key', (text, message) => {
    expect(() => parseSettings(`rollout: ${text}`, 'test')).toThrow(message);
  });

  it('is none with percentages, which only the nodes can tell', () => {
    expect(parseSettings('rollout: {maxUnavailable: 10%, batch: 3}', 'test').rollout.batch).toBe(3);
  });
});

describe('a rollout', () => {
  it('is one by one without settings, and with every setting that leaves it so', () => {
    const kinds = [{}, { pauseSeconds: 60 }, { maxFailed: 1 }, { maxUnavailable: 2 }, { maxUnavailable: '1%' }];
    expect(kinds.map((kind) => isOneByOne(Rollout.parse(kind)))).toEqual([true, true, false, false, false]);
    expect(kinds.map((kind) => isParallel(Rollout.parse(kind)))).toEqual([false, false, false, true, true]);
  });

  it.each([
    [3, 2, 3],
    ['10%', 100, 10],
    ['10%', 19, 1],
    ['10%', 3, 1],
    ['100%', 3, 3],
  ] as const)('%s of %i nodes are %i', (share, total, expected) => {
    expect(sharedOut(share, total)).toBe(expected);
  });
});
