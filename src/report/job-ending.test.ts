import { describe, expect, it } from 'vitest';
import { hoursBefore, jobAt } from '../../test/support/example-night.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { endingOf, endingText } from './job-ending.ts';

const preflight = jobAt('preflight', 7, { node: null });
const master = jobAt('master', 6, { node: 'cp-1', phase: 'master' });
const worker = jobAt('worker', 5, { node: 'worker-1', phase: 'worker', name: 'k8s-upgrade-worker-1-36-4-worker-1' });

function stopped(as: 'blocked' | 'held' | 'paused' | 'failed', step: string, hours: number, takenBack: string[] = []) {
  const { run } = exampleFacts();
  if (!run.known) throw new Error('the example knows of its run');
  return known({
    ...run.value,
    stopped: 'why',
    stoppedAt: hoursBefore(hours),
    stoppedAs: as,
    stoppedStep: step,
    takenBack,
  }) satisfies Facts['run'];
}

const NO_NOTE = exampleFacts().run;

describe('how a Job ended that is complete', () => {
  it.each([
    ['blocked', 'refused'],
    ['held', 'refused, held'],
    ['paused', 'paused'],
  ] as const)('is %s by the record of the run: %s', (as, text) => {
    const ending = endingOf(worker, [preflight, master, worker], stopped(as, 'worker worker-1', 4.9, ['cordon']));
    expect(ending).toEqual({ as, takenBack: ['cordon'] });
    expect(ending && endingText(ending)).toBe(`${text}, and taken back: cordon`);
  });

  it('is not that it went on, and that nothing followed is said without a note, too', () => {
    expect(endingOf(master, [preflight, master, worker], NO_NOTE)).toBeUndefined();
    const unsaid = { as: 'unsaid', takenBack: [] };
    expect(endingOf(worker, [preflight, master, worker], NO_NOTE)).toEqual(unsaid);
    expect(endingOf(worker, [worker], unknown('forbidden'))).toEqual(unsaid);
    expect(endingText({ as: 'unsaid', takenBack: [] })).toBe('complete, and nothing followed it');
  });

  it('is not told by a note of another step, of a time before it, or of a failure', () => {
    for (const note of [
      stopped('blocked', 'preflight', 4.9),
      stopped('blocked', 'worker worker-1', 5.1),
      stopped('failed', 'worker worker-1', 4.9),
    ])
      expect(endingOf(worker, [worker], note)).toEqual({ as: 'unsaid', takenBack: [] });
  });

  it('is a whole run after postflight, and no matter for a Job that is not complete or of no phase', () => {
    const other = [
      jobAt('postflight', 4, { phase: 'postflight', node: null }),
      { ...worker, status: 'active' as const },
      { ...worker, status: 'failed' as const },
      { ...worker, phase: '' },
    ];
    for (const job of other) expect(endingOf(job, [job], stopped('blocked', 'worker worker-1', 4))).toBeUndefined();
  });

  it('is told of a postflight that did not close the run, and is the end of a run without a note', () => {
    const postflight = jobAt('postflight', 4, { phase: 'postflight', node: null });
    const jobs = [preflight, master, worker, postflight];
    expect(endingOf(postflight, jobs, stopped('blocked', 'postflight', 3.9))).toEqual({ as: 'blocked', takenBack: [] });
    expect(endingOf(postflight, jobs, stopped('paused', 'postflight', 3.9))).toEqual({ as: 'paused', takenBack: [] });
    for (const note of [
      NO_NOTE,
      unknown('forbidden'),
      stopped('blocked', 'postflight', 4.1),
      stopped('failed', 'postflight', 3.9),
    ])
      expect(endingOf(postflight, jobs, note)).toBeUndefined();
  });

  it('takes the next Job for its successor within the same second, and none of another target', () => {
    const next = { ...worker, name: 'k8s-upgrade-worker-1-36-4-worker-2', node: 'worker-2' };
    expect(endingOf(worker, [worker, next], NO_NOTE)).toBeUndefined();
    expect(endingOf(master, [master, { ...worker, createdAt: master.createdAt }], NO_NOTE)).toBeUndefined();
    expect(endingOf(master, [master, { ...preflight, createdAt: master.createdAt }], NO_NOTE)?.as).toBe('unsaid');
    expect(endingOf(master, [master, { ...worker, target: '1.36.5' }], NO_NOTE)?.as).toBe('unsaid');
  });
});
