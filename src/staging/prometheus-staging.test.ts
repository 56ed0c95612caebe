import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import type { Fault } from '../rehearsal/services/fault.ts';
import { type FaultyHttpServer, startFaultyHttpServer } from '../rehearsal/services/faulty-http-server.ts';
import { createPrometheusStaging, intervalsOf } from './prometheus-staging.ts';

const signal = new AbortController().signal;
const NOW = Date.parse('2026-11-21T23:00:00Z') / 1000;
const HOUR = 3600;
const every = (from: number, to: number): [number, string][] =>
  Array.from({ length: Math.floor((to - from) / HOUR) + 1 }, (_, index) => [from + index * HOUR, '1']);
const version = (name: string, from: number, to: number) => ({
  metric: { git_version: name },
  values: every(NOW - from * HOUR, NOW - to * HOUR),
});
const said = (...series: Parameters<typeof intervalsOf>[0]): string[] =>
  intervalsOf(series, NOW).map(({ version: name, from, to }) => {
    const ago = (time: string): number => (NOW - Date.parse(time) / 1000) / HOUR;
    return `${name} from ${ago(from)} to ${to === null ? 'now' : ago(to)}`;
  });

describe('what staging ran by kubernetes_build_info', () => {
  it.each<[string, Parameters<typeof intervalsOf>[0], string[]]>([
    ['nothing without data', [], []],
    ['the same all the time', [version('v1.36.4', 100, 0)], ['1.36.4 from 100 to now']],
    [
      'the oldest of its versions while they are mixed',
      [version('v1.36.3', 100, 50), version('v1.36.4', 60, 0)],
      ['1.36.3 from 100 to 49', '1.36.4 from 49 to now'],
    ],
    [
      'an older one again when it was set back',
      [version('v1.36.4', 100, 50), version('v1.36.3', 49, 0)],
      ['1.36.4 from 100 to 49', '1.36.3 from 49 to now'],
    ],
    [
      'nobody knows what in a gap',
      [version('v1.36.4', 100, 80), version('v1.36.4', 40, 0)],
      ['1.36.4 from 100 to 80', '1.36.4 from 40 to now'],
    ],
    ['nobody knows what now, without data of the last hours', [version('v1.36.4', 100, 7)], ['1.36.4 from 100 to 7']],
  ])('is %s', (_title, series, expected) => {
    expect(said(...series)).toEqual(expected);
  });

  it('is not known with a version that is none', () => {
    expect(() => said(version('v1.36.4-rc.1', 10, 0))).toThrow(/"v1.36.4-rc.1" is no release/);
  });
});

describe('staging by its Prometheus', () => {
  let server: FaultyHttpServer;
  let answers: Record<'build' | 'alerts' | 'detector', readonly object[]>;
  beforeEach(async () => {
    answers = {
      build: [version('v1.36.4', 300, 0)],
      alerts: [
        {
          metric: { alertname: 'Down', severity: 'critical', alertstate: 'firing' },
          values: every(NOW - 40 * HOUR, NOW - 30 * HOUR),
        },
        { metric: { alertname: 'Soon', severity: 'critical', alertstate: 'pending' }, values: every(NOW - HOUR, NOW) },
      ],
      detector: [{ metric: {}, value: [NOW, String(NOW - HOUR)] }],
    };
    server = await startFaultyHttpServer({
      handle({ query }) {
        const text = query.get('query') ?? '';
        const isRange = !text.startsWith('max(');
        const result = isRange ? (text.includes('ALERTS') ? answers.alerts : answers.build) : answers.detector;
        const data = { resultType: isRange ? 'matrix' : 'vector', result };
        return { status: 200, body: JSON.stringify({ status: 'success', data }) };
      },
    });
  });
  afterEach(() => server.close());
  const look = (now = NOW) =>
    createPrometheusStaging({
      url: server.url,
      labels: { cluster: 'sta"ging' },
      days: 7,
      clock: virtualClock(now * 1000),
      userAgent: 'test',
      deadlineMs: 2000,
    }).look(signal);

  it('tells what it ran, and the last of each alert that was firing, by its labels', async () => {
    const { ran, reds, source } = await look();
    expect(ran.map(({ version: name, to }) => [name, to])).toEqual([['1.36.4', null]]);
    expect(reds).toEqual([
      {
        at: new Date((NOW - 30 * HOUR) * 1000).toISOString(),
        what: 'alert Down (critical) was firing',
        alert: 'Down',
        severity: 'critical',
      },
    ]);
    expect(source).toContain('cluster="sta\\"ging"');
    for (const { target } of server.requests) expect(decodeURIComponent(target)).toContain('cluster="sta\\"ging"');
  });

  it.each([
    ['no versions of it are there', 'build', [], /no kubernetes_build_info of staging of the last 6 h/],
    [
      'its versions have ended',
      'build',
      [version('v1.36.4', 300, 20)],
      /no kubernetes_build_info of staging of the last 6 h/,
    ],
    ['no alert was ever active', 'alerts', [], /no series ALERTS of staging/],
    ['its detector has no time stamp', 'detector', [], /no series k8s_version_check_last_run_timestamp/],
    ['its detector is dead', 'detector', [{ metric: {}, value: [NOW, String(NOW - 50 * HOUR)] }], /more than 36 h ago/],
    ['its clock is years ahead', 'detector', [{ metric: {}, value: [NOW, String(NOW + 9e7)] }], /in the future here/],
  ] as const)('is unknown when %s', async (_title, what, series, why) => {
    answers = { ...answers, [what]: series };
    await expect(look()).rejects.toThrow(why);
  });

  it.each<[string, Fault, RegExp]>([
    ['a page', { kind: 'garbage' }, /Sign in/],
    ['ten megabytes', { kind: 'status', status: 200, body: 'x'.repeat(10_000_000) }, /larger than 8000000 bytes/],
    ['a redirect ring', { kind: 'redirect-ring' }, /ring/],
    ['nothing', { kind: 'hang' }, /no answer within 2 s/],
  ])('is unknown when the answer is %s', async (_title, fault, why) => {
    server.faults.inject(fault);
    await expect(look()).rejects.toThrow(why);
  });

  it('is unknown when our own clock is years off', async () => {
    for (const years of [-3, 3])
      await expect(look(NOW + years * 365 * 24 * HOUR)).rejects.toThrow(/future here|36 h ago/);
  });
});
