import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import type { GaugeFact } from '../facts/facts.ts';
import type { LastLook } from '../facts/last-look.ts';
import { known, unknown } from '../observed.ts';
import { detectedTarget, detectorState, gaugeValue } from './detector.ts';

const NOW_SECONDS = Date.parse(exampleFacts().observedAt) / 1000;
const gauge = (name: string, value: number, labels: Record<string, string> = {}): GaugeFact => ({
  name,
  labels,
  value,
});
const withGauges = (...gauges: GaugeFact[]) => exampleFacts({ gauges: known(gauges) });
const lastRun = (secondsAgo: number) =>
  withGauges(
    gauge('k8s_upgrade_started_timestamp', 5),
    gauge('k8s_version_check_last_run_timestamp', NOW_SECONDS - secondsAgo),
  );

describe('the age of the last look', () => {
  it.each([
    { title: 'an hour ago', ago: 3600, ageMs: known(3_600_000), fresh: true },
    { title: 'as long ago as a look may be', ago: 25 * 3600, ageMs: known(90_000_000), fresh: true },
    { title: 'longer ago', ago: 25 * 3600 + 1, ageMs: known(90_001_000), fresh: false },
    { title: 'now', ago: 0, ageMs: known(0), fresh: true },
    { title: 'by a clock that is a little ahead', ago: -300, ageMs: known(0), fresh: true },
    {
      title: 'too far in the future',
      ago: -301,
      ageMs: unknown(`the last run, ${NOW_SECONDS + 301}, is not a time in the past`),
      fresh: false,
    },
    {
      title: 'at no time',
      ago: Number.NaN,
      ageMs: unknown('the last run, NaN, is not a time in the past'),
      fresh: false,
    },
    {
      title: 'endlessly long ago',
      ago: Number.POSITIVE_INFINITY,
      ageMs: unknown('the last run, -Infinity, is not a time in the past'),
      fresh: false,
    },
  ])('$title', ({ ago, ageMs, fresh }) => {
    expect(detectorState(lastRun(ago), 25)).toMatchObject({ ageMs, fresh });
  });

  it('is unknown, and the look not fresh, without a Pushgateway', () => {
    expect(detectorState(exampleFacts({ gauges: unknown('refused') }), 25)).toEqual({
      ageMs: unknown('the Pushgateway could not be read: refused'),
      fresh: false,
      detected: unknown('the Pushgateway could not be read: refused'),
    });
  });

  it('is unknown, and the look not fresh, when the Pushgateway has none', () => {
    expect(detectorState(withGauges(gauge('k8s_upgrade_blocked', NOW_SECONDS)), 25)).toEqual({
      ageMs: unknown('the Pushgateway has no last run of it'),
      fresh: false,
      detected: unknown('the Pushgateway has no result of the detector'),
    });
  });
});

describe('gaugeValue', () => {
  it('is the value of that name, undefined when there is none, and unknown when nothing could be read', () => {
    const facts = withGauges(gauge('k8s_upgrade_held', 0), gauge('k8s_upgrade_blocked', 1));
    expect(gaugeValue(facts, 'k8s_upgrade_blocked')).toEqual(known(1));
    expect(gaugeValue(facts, 'k8s_upgrade_in_flight')).toEqual(known(undefined));
    expect(gaugeValue(exampleFacts({ gauges: unknown('refused') }), 'k8s_upgrade_blocked')).toEqual(unknown('refused'));
  });
});

describe('several series of one gauge', () => {
  const name = 'k8s_version_check_last_run_timestamp';
  const left = (value: number) => gauge(name, value, { instance: 'left' });
  it.each([
    { title: 'count as the newest', gauges: [left(NOW_SECONDS - 90_000), gauge(name, NOW_SECONDS - 60)], want: 60_000 },
    { title: 'in any order', gauges: [gauge(name, NOW_SECONDS - 60), left(NOW_SECONDS - 90_000)], want: 60_000 },
    { title: 'but for no number', gauges: [left(Number.NaN), gauge(name, NOW_SECONDS - 60)], want: 60_000 },
  ])('$title', ({ gauges, want }) => {
    expect(detectorState(withGauges(...gauges), 25)).toMatchObject({ ageMs: known(want), fresh: true });
  });

  it('are set when one of them is', () => {
    const facts = withGauges(gauge('k8s_upgrade_blocked', 0, { instance: 'left' }), gauge('k8s_upgrade_blocked', 1));
    expect(gaugeValue(facts, 'k8s_upgrade_blocked')).toEqual(known(1));
  });
});

describe('what the detector has recorded itself', () => {
  const look = (fields: Partial<LastLook>, gauges: GaugeFact[] = []) =>
    exampleFacts({
      lastLook: known({
        at: '2026-11-20T23:00:00Z',
        outcome: 'nothing',
        target: null,
        reason: '',
        verdict: null,
        findings: [],
        ...fields,
      }),
      gauges: gauges.length === 0 ? unknown('pushgatewayUrl is not set') : known(gauges),
    });

  it('needs no Pushgateway', () => {
    expect(detectorState(look({}), 25)).toMatchObject({
      ageMs: known(7 * 3_600_000 + 420_000),
      fresh: true,
      detected: known({ kind: 'none', target: null }),
    });
  });

  it('goes before what a gauge of another time says', () => {
    const old = gauge('k8s_version_check_last_run_timestamp', NOW_SECONDS - 60 * 3600);
    const found = gauge('k8s_upgrade_available', 1, { kind: 'minor', target: '1.37.1' });
    expect(detectorState(look({ outcome: 'started', target: '1.36.4' }, [old, found]), 25)).toMatchObject({
      fresh: true,
      detected: known({ kind: '', target: '1.36.4' }),
    });
  });

  it.each([
    ['paused', 'was paused: load test'],
    ['unknown', 'found nothing out: load test'],
    ['failed', 'failed: load test'],
  ] as const)('that was %s found no version, and says why', (outcome, says) => {
    expect(detectedTarget(look({ outcome, reason: 'load test' }))).toEqual(unknown(`the last look ${says}`));
  });

  it('has the kind of the gauge that is of the same look', () => {
    const found = gauge('k8s_upgrade_available', 1, { kind: 'patch', target: '1.36.4' });
    expect(detectedTarget(look({ outcome: 'started', target: '1.36.4' }, [found]))).toEqual(
      known({ kind: 'patch', target: '1.36.4' }),
    );
  });

  it.each(['refused', 'running', 'dry-run', 'started'] as const)('that ended as %s went for a version', (outcome) => {
    expect(detectedTarget(look({ outcome, target: '1.36.4' }))).toEqual(known({ kind: '', target: '1.36.4' }));
  });

  it('before the first of this version of the program, or where it cannot be read, the gauges speak', () => {
    const gauges = known([gauge('k8s_upgrade_available', 0, { kind: 'none', target: '' })]);
    for (const lastLook of [known(null), unknown('forbidden')])
      expect(detectedTarget(exampleFacts({ lastLook, gauges }))).toEqual(known({ kind: 'none', target: null }));
  });
});

describe('detectedTarget', () => {
  const available = (value: number, labels: Record<string, string>) => gauge('k8s_upgrade_available', value, labels);
  const nothing = unknown('the Pushgateway has no result of the detector');

  it.each([
    {
      title: 'names what was found',
      gauges: [available(1, { kind: 'patch', target: '1.36.4' })],
      want: known({ kind: 'patch', target: '1.36.4' }),
    },
    {
      title: 'names the newest of several, with its own kind',
      gauges: [
        available(1, { kind: 'patch', target: '1.36.9' }),
        available(0, { kind: 'none', target: '1.36.10' }),
        available(1, { kind: 'minor', target: '1.36.10' }),
        available(0, { kind: 'minor', target: '1.37.1' }),
      ],
      want: known({ kind: 'minor', target: '1.36.10' }),
    },
    {
      title: 'prefers what was found to a series that says nothing',
      gauges: [available(0, { kind: 'none', target: '' }), available(1, { kind: 'patch', target: '1.36.4' })],
      want: known({ kind: 'patch', target: '1.36.4' }),
    },
    {
      title: 'leaves out a kind that is not there',
      gauges: [available(1, { target: '1.36.4' })],
      want: known({ kind: '', target: '1.36.4' }),
    },
    {
      title: 'reads a version as others write it, with its kind',
      gauges: [available(1, { kind: 'patch', target: 'v1.36.4' })],
      want: known({ kind: 'patch', target: '1.36.4' }),
    },
    {
      title: 'passes over a target that is no version beside one that is',
      gauges: [available(1, { kind: 'patch', target: '1.36.4' }), available(1, { target: 'new' })],
      want: known({ kind: 'patch', target: '1.36.4' }),
    },
    {
      title: 'says none for a series of 0',
      gauges: [available(0, { kind: 'none', target: '' })],
      want: known({ kind: 'none', target: null }),
    },
    { title: 'I14 takes no series for no answer', gauges: [], want: nothing },
    {
      title: 'takes a target that is no version for no answer',
      gauges: [available(1, { target: 'new' })],
      want: nothing,
    },
    { title: 'takes a series without a target for no answer', gauges: [available(1, {})], want: nothing },
    {
      title: 'does not look at other series',
      gauges: [
        gauge('k8s_upgrade_blocked', 1, { kind: 'patch', target: '1.36.4' }),
        gauge('k8s_upgrade_held', 0, { kind: 'none', target: '' }),
      ],
      want: nothing,
    },
  ])('$title', ({ gauges, want }) => {
    expect(detectedTarget(withGauges(...gauges))).toEqual(want);
  });
});
