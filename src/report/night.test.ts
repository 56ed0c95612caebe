import { describe, expect, it } from 'vitest';
import {
  exampleChain,
  exampleNight,
  exampleRunning,
  HALF_DONE,
  hoursBefore,
  jobAt,
} from '../../test/support/example-night.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { halfDoneNote, isOn, stoppedNote } from './night.ts';

describe('halfDoneNote', () => {
  it('counts the nodes that are behind, and says when it is only an API server', () => {
    expect(halfDoneNote(HALF_DONE)).toBe('Half-done: 1 of 3 nodes on 1.36.4, 2 still on older versions.');
    expect(halfDoneNote(exampleRunning({ newestApiServer: '1.36.4', nodesOnNewest: 3 }))).toBe(
      'Half-done: 3 of 3 nodes on 1.36.4, and an API server still on older versions.',
    );
  });
});

describe('stoppedNote', () => {
  const run = (stopped: string | null, stoppedAt: string | null): Pick<Facts, 'run'> => ({
    run: known({ startedAt: null, target: null, snapshotPath: null, stopped, stoppedAt }),
  });
  const note = (facts: Partial<Facts>, ...jobs: Parameters<typeof jobAt>[]) =>
    stoppedNote(
      exampleNight({
        facts: exampleFacts(facts),
        chain: known(exampleChain({ recent: jobs.map((job) => jobAt(...job)) })),
      }),
    );
  const SECOND = 1 / 3600;

  it.each([
    ['blocked in preflight', 'The run stopped, blocked in preflight.'],
    ['blocked in preflight.', 'The run stopped, blocked in preflight.'],
    ['failed: what now?', 'The run stopped, failed: what now?'],
    ['failed: no!', 'The run stopped, failed: no!'],
    ['failed: a long text…', 'The run stopped, failed: a long text…'],
    ['failed at 1.36.4 on worker-2', 'The run stopped, failed at 1.36.4 on worker-2.'],
  ])('makes a sentence of "%s"', (stopped, sentence) => {
    expect(note(run(stopped, hoursBefore(1)))).toBe(sentence);
  });

  it('is none when nothing was written down', () => {
    expect(note(run(null, null))).toBeUndefined();
    expect(note(run(null, hoursBefore(1)))).toBeUndefined();
    expect(note({ run: unknown('refused') })).toBeUndefined();
  });

  it('is not that of a run before the last Job; clocks may differ by half a minute', () => {
    const stopped = (hoursAgo: number) => note(run('blocked', hoursBefore(hoursAgo)), ['worker', 9], ['preflight', 5]);
    expect(stopped(4)).toBe('The run stopped, blocked.');
    expect(stopped(5 + 30 * SECOND)).toBe('The run stopped, blocked.');
    expect(stopped(5 + 31 * SECOND)).toBeUndefined();
    expect(stopped(8)).toBeUndefined();
  });

  it('is told when there is no time in it, or no Job to compare with', () => {
    expect(note(run('blocked', null), ['preflight', 5])).toBe('The run stopped, blocked.');
    expect(note(run('blocked', hoursBefore(900)))).toBe('The run stopped, blocked.');
    expect(
      stoppedNote(exampleNight({ facts: exampleFacts(run('blocked', hoursBefore(9))), chain: unknown('refused') })),
    ).toBe('The run stopped, blocked.');
  });
});

describe('isOn', () => {
  const NAME = 'k8s_upgrade_blocked';
  const value = (number: number): Facts['gauges'] => known([{ name: NAME, labels: {}, value: number }]);

  it.each<{ title: string; gauges: Facts['gauges']; fresh: boolean; want: boolean }>([
    { title: '1, by a detector that looked last night', gauges: value(1), fresh: true, want: true },
    { title: '0', gauges: value(0), fresh: true, want: false },
    { title: '1, by one that did not look', gauges: value(1), fresh: false, want: false },
    { title: 'not there', gauges: known([]), fresh: true, want: false },
    { title: 'not readable', gauges: unknown('refused'), fresh: true, want: false },
  ])('is $want for a gauge that is $title', ({ gauges, fresh, want }) => {
    const detector = { ...exampleNight().detector, fresh };
    expect(isOn(exampleNight({ facts: exampleFacts({ gauges }), detector }), NAME)).toBe(want);
  });
});
