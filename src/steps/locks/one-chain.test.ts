import { describe, expect, it } from 'vitest';
import { exampleJob, exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import type { JobFact } from '../../facts/facts.ts';
import { chainThatGoesFirst, oneChain } from './one-chain.ts';

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
  it.each<[string, readonly JobFact[], string, string, string | undefined]>([
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
    [
      'is not stopped by an older Job of its own target',
      [job('a', '1.36.4', 1), job('b', '1.36.4', 2)],
      '1.36.4',
      'b',
      undefined,
    ],
    [
      'counts its own chain from its first Job, wherever that stands in the list',
      [job('c', '1.37.1', 3), job('b', '1.36.4', 2), job('a', '1.37.1', 1, 'complete')],
      '1.37.1',
      'c',
      undefined,
    ],
    ['ignores a chain that failed', [job('a', '1.36.4', 1, 'failed'), job('b', '1.37.1', 2)], '1.37.1', 'b', undefined],
    ['ignores a Job that goes', [job('a', '1.36.4', 1, 'deleting'), job('b', '1.37.1', 2)], '1.37.1', 'b', undefined],
    [
      'gives way when its own Job is not there, though others of its target are',
      [job('a', '1.36.4', 1), job('b', '1.37.1', 2)],
      '1.36.4',
      'x',
      'b',
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

describe('one-chain', () => {
  const run = (...jobs: readonly JobFact[]) => {
    const selectors: string[] = [];
    const world = exampleWorld({
      cluster: {
        jobs: async (selector) => {
          selectors.push(selector);
          return jobs;
        },
      },
    });
    return { selectors, running: oneChain.run(contextIn(world, { phase: 'master', node: 'cp-1' })) };
  };
  const own = exampleJob('k8s-upgrade-master-1-36-4', { createdAt: '2026-11-21T23:00:00Z' });

  it('lets the only chain go on, looking at Jobs of the chain alone', async () => {
    const { selectors, running } = run(own);
    await running;
    expect(selectors).toEqual(['app=k8s-upgrade-chain']);
  });

  it("knows its own Job by the name that the first control plane's has", async () => {
    const younger = exampleJob('k8s-upgrade-preflight-1-37-1', { createdAt: '2026-11-21T23:01:00Z' });
    expect(await errorOf(run(own, younger).running)).toBeUndefined();
  });

  it('refuses beside an older chain', async () => {
    const older = exampleJob('k8s-upgrade-preflight-1-37-1', { createdAt: '2026-11-21T22:59:00Z' });
    expect(await refusalOf(run(own, older).running)).toEqual([
      {
        check: 'one-chain',
        reason: 'OtherChainRunning',
        class: 'actionable',
        severity: 'block',
        message: 'A chain for 1.37.1 is running: Job k8s-upgrade-preflight-1-37-1',
        remedy: expect.stringContaining('nightlift pause') as string,
      },
    ]);
  });
});
