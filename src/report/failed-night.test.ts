import { describe, expect, it } from 'vitest';
import { exampleChain, exampleNight, HALF_DONE, hoursBefore, jobAt } from '../../test/support/example-night.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts, GaugeFact } from '../facts/facts.ts';
import { known, unknown } from '../observed.ts';
import { failed } from './failed-night.ts';
import type { Night } from './night.ts';

const failure = jobAt('worker', 5, { status: 'failed', node: 'worker-1' });
const HALF = 'Half-done: 1 of 3 nodes on 1.36.4, 2 still on older versions.';
const stopped: Pick<Facts, 'run'> = {
  run: known({
    startedAt: null,
    target: '1.36.4',
    snapshotPath: null,
    stopped: 'blocked in worker worker-1',
    stoppedAt: hoursBefore(1),
  }),
};
const NO_NOTE = { startedAt: null, target: '1.36.4', snapshotPath: null };
const READ_WHY =
  'Read why: `kubectl -n upgrades logs job/k8s-upgrade-worker-1-36-4`. The next run replaces the Job and goes on from there, unless the gate refuses it.';

describe('a failed night', () => {
  const rows: { title: string; night: Partial<Night>; want: ReturnType<typeof failed> }[] = [
    { title: 'is none when nothing went wrong', night: {}, want: undefined },
    {
      title: 'is none that could be told while the chain Jobs are unknown',
      night: { chain: unknown('refused'), running: known(HALF_DONE) },
      want: undefined,
    },
    {
      title: 'is none that could be told while the versions are unknown',
      night: { chain: known(exampleChain({ failed: failure })), running: unknown('refused') },
      want: undefined,
    },
    {
      title: 'is a refusal when postflight refused, and says why',
      night: {
        chain: known(exampleChain({ unfinished: '1.36.4' })),
        facts: exampleFacts({
          run: known({
            ...NO_NOTE,
            stopped: 'blocked in postflight: a URL is silent',
            stoppedAt: hoursBefore(1),
            stoppedAs: 'blocked',
          }),
        }),
      },
      want: {
        outcome: 'blocked',
        headline: '🔴 BLOCKED (action needed) — postflight for 1.36.4',
        notes: [
          'The nodes were upgraded, and the run is not closed.',
          'The run stopped, blocked in postflight: a URL is silent.',
        ],
      },
    },
    {
      title: 'names the failed Job and where its log is',
      night: { chain: known(exampleChain({ failed: failure })) },
      want: { outcome: 'failed', headline: '🔴 FAILED — worker worker-1 for 1.36.4', notes: [READ_WHY] },
    },
    {
      title: 'says what killed a pod that could not say it itself, and what helps',
      night: { chain: known(exampleChain({ failed: { ...failure, died: 'killed for want of memory (OOMKilled)' } })) },
      want: {
        outcome: 'failed',
        headline: '🔴 FAILED — worker worker-1 for 1.36.4',
        notes: [
          expect.stringMatching(/^Its last pod was killed for want of memory .*limits\.memory/) as string,
          READ_WHY,
        ],
      },
    },
    {
      title: 'says with a failed Job what is half-done, and why the run stopped',
      night: {
        chain: known(exampleChain({ failed: failure })),
        running: known(HALF_DONE),
        facts: exampleFacts(stopped),
      },
      want: {
        outcome: 'failed',
        headline: '🔴 FAILED — worker worker-1 for 1.36.4',
        notes: [HALF, 'The run stopped, blocked in worker worker-1.', READ_WHY],
      },
    },
    {
      title: 'is a blocked one when a half-done run stopped by decision',
      night: { running: known(HALF_DONE), facts: exampleFacts(stopped) },
      want: {
        outcome: 'blocked',
        headline: '🔴 BLOCKED (action needed) — 1.36.4',
        notes: [HALF, 'The run stopped, blocked in worker worker-1.'],
      },
    },
    {
      title: 'I08 is red while the cluster is half-done and nothing is at work',
      night: { running: known(HALF_DONE) },
      want: {
        outcome: 'failed',
        headline: '🔴 FAILED — half-done at 1.36.4, and no chain Job is active',
        notes: [HALF, 'The next run goes on from there, unless the gate refuses it.'],
      },
    },
    {
      title: 'says that the next run goes on, when the gate lets it',
      night: { running: known(HALF_DONE), gate: { target: '1.36.4', verdict: 'safe', findings: [], notAsked: [] } },
      want: {
        outcome: 'failed',
        headline: '🔴 FAILED — half-done at 1.36.4, and no chain Job is active',
        notes: [HALF, 'The next run goes on from there.'],
      },
    },
    {
      title: 'does not promise a next run that the gate refuses',
      night: { running: known(HALF_DONE), gate: { target: '1.36.4', verdict: 'blocked', findings: [], notAsked: [] } },
      want: {
        outcome: 'failed',
        headline: '🔴 FAILED — half-done at 1.36.4, and no chain Job is active',
        notes: [HALF, 'The next run does not go on: the gate refuses 1.36.4, for what is named below.'],
      },
    },
    {
      title: 'is not one because a run stopped by decision before its first change',
      night: { facts: exampleFacts(stopped) },
      want: undefined,
    },
    {
      title: 'is one when nobody closed the run',
      night: { chain: known(exampleChain({ unfinished: '1.36.4' })) },
      want: {
        outcome: 'failed',
        headline: '🔴 FAILED — postflight for 1.36.4 did not complete',
        notes: ['The nodes were upgraded, but nobody has checked the cluster after it and closed the run.'],
      },
    },
  ];
  it.each(rows)('$title', ({ night, want }) => {
    expect(failed(exampleNight(night))).toEqual(want);
  });
});

describe('a run that is marked in flight without a Job at work', () => {
  const secondsBefore = (hours: number): number => Date.parse(hoursBefore(hours)) / 1000;
  const gauge = (name: string, value: number): GaugeFact => ({ name, labels: {}, value });
  const inFlight = gauge('k8s_upgrade_in_flight', 1);
  const started = (hours: number) => gauge('k8s_upgrade_started_timestamp', secondsBefore(hours));
  const told = {
    outcome: 'failed',
    headline: '🔴 FAILED — the run stopped: it is marked in flight, and no chain Job is active',
    notes: ['Nothing is half-done. The next detection clears the mark or goes on.'],
  };

  const rows: { title: string; gauges: Facts['gauges']; night?: Partial<Night>; want: typeof told | undefined }[] = [
    { title: 'is told', gauges: known([inFlight, started(7)]), want: told },
    { title: 'is told when it began with the window', gauges: known([inFlight, started(26)]), want: told },
    { title: 'I21 is a leaked mark when it is older', gauges: known([inFlight, started(26.01)]), want: undefined },
    { title: 'is told when nobody knows when it began', gauges: known([inFlight]), want: told },
    { title: 'is none when the mark is gone', gauges: known([gauge('k8s_upgrade_in_flight', 0)]), want: undefined },
    { title: 'is none when there is no mark', gauges: known([started(7)]), want: undefined },
    { title: 'is not known without the gauges', gauges: unknown('refused'), want: undefined },
    {
      title: 'is none when a run was closed in the window',
      gauges: known([inFlight, started(7)]),
      night: { chain: known(exampleChain({ finished: ['1.36.3'] })) },
      want: undefined,
    },
    {
      title: 'has stopped by decision when the last look was blocked',
      gauges: known([inFlight, started(7), gauge('k8s_upgrade_blocked', 1)]),
      want: undefined,
    },
    {
      title: 'has stopped by decision when the last look was held',
      gauges: known([inFlight, started(7), gauge('k8s_upgrade_held', 1)]),
      want: undefined,
    },
    {
      title: 'is told when the last look refused nothing',
      gauges: known([inFlight, started(7), gauge('k8s_upgrade_blocked', 0), gauge('k8s_upgrade_held', 0)]),
      want: told,
    },
  ];
  it.each(rows)('$title', ({ gauges, night = {}, want }) => {
    expect(failed(exampleNight({ ...night, facts: exampleFacts({ gauges }) }))).toEqual(want);
  });
});
