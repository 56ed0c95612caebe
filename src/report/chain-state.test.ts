import { describe, expect, it } from 'vitest';
import { hoursBefore, jobAt } from '../../test/support/example-night.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts, JobFact } from '../facts/facts.ts';
import { known } from '../observed.ts';
import { type ChainState, chainState } from './chain-state.ts';
import { stepOf } from './job-ending.ts';

const WINDOW = 26;
const state = (jobs: readonly JobFact[], halfDone = false): ChainState =>
  chainState(jobs, exampleFacts(), WINDOW, halfDone);

const SECOND = 1 / 3600;

describe('the recent Jobs of the chain', () => {
  it('are in the order in which they were made', () => {
    const [first, second, third] = [jobAt('preflight', 9), jobAt('master', 8), jobAt('worker', 7)];
    expect(state([second, third, first]).recent).toEqual([first, second, third]);
  });

  it.each<{ title: string; job: JobFact; recent: boolean }>([
    { title: 'one that ended with the start of the window', job: jobAt('worker', WINDOW), recent: true },
    { title: 'one that ended before it', job: jobAt('worker', WINDOW + SECOND), recent: false },
    {
      title: 'one that was made before it and ended in it',
      job: jobAt('worker', WINDOW + 1, { finishedAt: hoursBefore(WINDOW - 1) }),
      recent: true,
    },
    {
      title: 'one without an end, made in it',
      job: jobAt('worker', WINDOW, { status: 'failed', finishedAt: null }),
      recent: true,
    },
    {
      title: 'one without an end, made before it',
      job: jobAt('worker', WINDOW + SECOND, { status: 'failed', finishedAt: null }),
      recent: false,
    },
    {
      title: 'one that is at work, however old',
      job: jobAt('worker', 90, { status: 'active', finishedAt: null }),
      recent: true,
    },
    { title: 'one that is being deleted', job: jobAt('worker', 1, { status: 'deleting' }), recent: false },
    { title: 'one of the detector', job: jobAt('worker', 1, { phase: '' }), recent: false },
  ])('count $title: $recent', ({ job, recent }) => {
    expect(state([job]).recent).toEqual(recent ? [job] : []);
  });

  it('are apart from those at work', () => {
    const active = jobAt('worker', 1, { status: 'active', finishedAt: null });
    expect(state([jobAt('master', 2), active, jobAt('worker', 3, { status: 'failed' })]).active).toEqual([active]);
    expect(state([{ ...active, phase: '' }]).active).toEqual([]);
  });
});

describe('what the chain has finished', () => {
  it('is what postflight completed for within the window', () => {
    expect(
      state([
        jobAt('postflight', 3),
        jobAt('postflight', 2, { target: '1.36.5' }),
        jobAt('postflight', 1, { target: '1.36.6', status: 'failed' }),
        jobAt('postflight', 50, { target: '1.36.2' }),
        jobAt('preflight', 1, { target: '1.36.7' }),
      ]).finished,
    ).toEqual(['1.36.4', '1.36.5']);
  });

  it.each<{ title: string; jobs: JobFact[]; unfinished: string | undefined }>([
    { title: 'after a control plane', jobs: [jobAt('master', 3)], unfinished: '1.36.4' },
    { title: 'after a worker', jobs: [jobAt('worker', 3)], unfinished: '1.36.4' },
    { title: 'not after preflight alone', jobs: [jobAt('preflight', 3)], unfinished: undefined },
    { title: 'not after a failed worker', jobs: [jobAt('worker', 3, { status: 'failed' })], unfinished: undefined },
    { title: 'not after last week', jobs: [jobAt('worker', 100)], unfinished: undefined },
    { title: 'not after postflight', jobs: [jobAt('worker', 3), jobAt('postflight', 2)], unfinished: undefined },
    {
      title: 'after the postflight of another run',
      jobs: [jobAt('worker', 3), jobAt('postflight', 4, { target: '1.36.3' })],
      unfinished: '1.36.4',
    },
    {
      title: 'of the run that worked last',
      jobs: [jobAt('worker', 5), jobAt('postflight', 4), jobAt('master', 3, { target: '1.36.5' })],
      unfinished: '1.36.5',
    },
    {
      title: 'not of a run before the last one',
      jobs: [jobAt('worker', 5, { target: '1.36.3' }), jobAt('worker', 4), jobAt('postflight', 3)],
      unfinished: undefined,
    },
  ])('lacks a target $title', ({ jobs, unfinished }) => {
    expect(state(jobs).unfinished).toBe(unfinished);
  });
});

describe('a postflight that stopped by decision', () => {
  const postflight = jobAt('postflight', 3, { node: null });
  const run = (hours: number): Facts['run'] => {
    const { run: none } = exampleFacts();
    if (!none.known) throw new Error('the example knows of its run');
    const note = {
      stopped: 'why',
      stoppedAt: hoursBefore(hours),
      stoppedAs: 'blocked',
      stoppedStep: 'postflight',
    } as const;
    return known({ ...none.value, ...note });
  };
  const seen = (jobs: readonly JobFact[], hours = 2.9) =>
    chainState(jobs, exampleFacts({ run: run(hours) }), WINDOW, false);

  it('has not finished the run, with or without a node that was upgraded in the window', () => {
    expect(seen([jobAt('worker', 4), postflight])).toMatchObject({ finished: [], unfinished: '1.36.4' });
    expect(seen([postflight])).toMatchObject({ finished: [], unfinished: '1.36.4' });
  });

  it('makes no failure good', () => {
    const failure = jobAt('worker', 5, { status: 'failed' });
    expect(seen([failure, postflight]).failed).toEqual(failure);
  });

  it('is not the one that came after it', () => {
    expect(seen([jobAt('worker', 4), postflight], 3.5)).toMatchObject({ finished: ['1.36.4'], unfinished: undefined });
  });
});

describe('the failed Job that is told', () => {
  const failure = jobAt('worker', 5, { status: 'failed', node: 'w-1' });

  it('is the one that failed last, not the one that was made last', () => {
    const late = jobAt('worker', 6, { status: 'failed', node: 'w-2', finishedAt: hoursBefore(1) });
    expect(state([late, failure]).failed).toEqual(late);
    expect(state([failure, late]).failed).toEqual(late);
  });

  it('is none when all went well', () => {
    expect(state([jobAt('worker', 5), jobAt('master', 4, { status: 'active' })]).failed).toBeUndefined();
  });

  it('is of the window; in a half-done cluster it counts however old it is', () => {
    const atStart = { ...failure, createdAt: hoursBefore(WINDOW), finishedAt: hoursBefore(WINDOW) };
    const before = { ...failure, createdAt: hoursBefore(90), finishedAt: hoursBefore(WINDOW + SECOND) };
    expect(state([atStart]).failed).toEqual(atStart);
    expect(state([before]).failed).toBeUndefined();
    expect(state([before], true).failed).toEqual(before);
  });

  const rows: { title: string; later: JobFact; failed?: JobFact; good: boolean }[] = [
    { title: 'a finished run to the same version', later: jobAt('postflight', 4), good: true },
    { title: 'a finished run to a newer version', later: jobAt('postflight', 4, { target: '1.36.10' }), good: true },
    { title: 'a finished run to an older version', later: jobAt('postflight', 4, { target: '1.36.3' }), good: false },
    { title: 'a finished run to no named version', later: jobAt('postflight', 4, { target: '' }), good: true },
    {
      title: 'a finished run after a Job of no named version',
      later: jobAt('postflight', 4),
      failed: { ...failure, target: '' },
      good: true,
    },
    { title: 'a finished run before it', later: jobAt('postflight', 6), good: false },
    { title: 'a finished run of the same moment', later: jobAt('postflight', 5), good: false },
    { title: 'the same step later', later: jobAt('worker', 4, { node: 'w-1' }), good: true },
    { title: 'the same step before it', later: jobAt('worker', 6, { node: 'w-1' }), good: false },
    {
      title: 'the same step that is at work',
      later: jobAt('worker', 4, { node: 'w-1', status: 'active' }),
      good: false,
    },
    { title: 'the step of another node', later: jobAt('worker', 4, { node: 'w-2' }), good: false },
    { title: 'another step of the node', later: jobAt('master', 4, { node: 'w-1' }), good: false },
    {
      title: 'the same step of another version',
      later: jobAt('worker', 4, { node: 'w-1', target: '1.36.5' }),
      good: false,
    },
    {
      title: 'the postflight of an older version after one that failed',
      later: jobAt('postflight', 4, { target: '1.36.3' }),
      failed: jobAt('postflight', 5, { status: 'failed' }),
      good: false,
    },
  ];
  it.each(rows)('is made good by $title: $good', ({ later, failed = failure, good }) => {
    expect(state([failed, later]).failed).toEqual(good ? undefined : failed);
  });
});

describe('stepOf', () => {
  it('names the node where there is one', () => {
    expect(stepOf(jobAt('worker', 1, { node: 'w-1' }))).toBe('worker w-1');
    expect(stepOf(jobAt('preflight', 1))).toBe('preflight');
  });
});
