import { describe, expect, it } from 'vitest';
import type { JobFact } from '../../facts/facts.ts';
import { chainThatGoesFirst } from './one-chain.ts';

function job(name: string, target: string, minute: number, status: JobFact['status'] = 'active'): JobFact {
  const createdAt = `2026-11-21T23:${String(minute).padStart(2, '0')}:00Z`;
  return {
    name,
    phase: 'preflight',
    target,
    node: null,
    runner: null,
    status,
    reason: '',
    createdAt,
    finishedAt: null,
  };
}

describe('chainThatGoesFirst', () => {
  it.each([
    ['lets a chain go on that is alone', [job('a', '1.36.4', 1)], '1.36.4', 'a', undefined],
    ['stops the younger of two chains', [job('a', '1.36.4', 1), job('b', '1.37.1', 2)], '1.37.1', 'b', 'a'],
    ['lets the older of two chains go on', [job('a', '1.36.4', 1), job('b', '1.37.1', 2)], '1.36.4', 'a', undefined],
    [
      'gives way by name when both started in the same second',
      [job('a', '1.36.4', 1), job('b', '1.37.1', 1)],
      '1.37.1',
      'b',
      'a',
    ],
    [
      'ignores a chain that has ended',
      [job('a', '1.36.4', 1, 'complete'), job('b', '1.37.1', 2)],
      '1.37.1',
      'b',
      undefined,
    ],
    [
      'counts a chain from its first Job, though that is complete',
      [job('a', '1.36.4', 1, 'complete'), job('c', '1.36.4', 3), job('b', '1.37.1', 2)],
      '1.37.1',
      'b',
      'c',
    ],
    ['gives way to any chain when it has no Job of its own', [job('a', '1.36.4', 1)], '1.37.1', 'b', 'a'],
  ])('%s', (_, jobs, target, own, expected) => {
    expect(chainThatGoesFirst(jobs, target, own)?.name).toBe(expected);
  });

  it('stops exactly one of any two', () => {
    const jobs = [job('a', '1.36.4', 5), job('b', '1.37.1', 5)];
    const stopped = [chainThatGoesFirst(jobs, '1.36.4', 'a'), chainThatGoesFirst(jobs, '1.37.1', 'b')].filter(
      (item) => item !== undefined,
    );
    expect(stopped).toHaveLength(1);
  });
});
