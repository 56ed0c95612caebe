import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../rehearsal/services/fault.ts';
import { type Prometheus, startPrometheus } from '../rehearsal/services/prometheus.ts';
import type { Alerts } from './alerts.ts';
import { createPrometheusAlerts } from './prometheus-alerts.ts';

const signal = new AbortController().signal;

describe('the alerts of Prometheus', () => {
  let prometheus: Prometheus;
  let alerts: Alerts;

  beforeEach(async () => {
    prometheus = await startPrometheus({ now: () => new Date('2026-11-20T23:00:00Z') });
    alerts = createPrometheusAlerts({
      url: `${prometheus.url}/`,
      lookbackHours: 168,
      userAgent: 'nightlift/test',
      deadlineMs: 2000,
    });
  });
  afterEach(() => prometheus.close());

  it('I02 are none when none is active', async () => {
    expect(await alerts.active(signal)).toEqual([]);
  });

  it('are read with severity, state, start and summary', async () => {
    prometheus.setAlert({ name: 'EtcdDown', severity: 'critical', summary: 'etcd is down', labels: { instance: 'a' } });
    prometheus.setAlert({ name: 'Slow', state: 'pending' });
    expect(await alerts.active(signal)).toEqual([
      {
        name: 'EtcdDown',
        severity: 'critical',
        state: 'firing',
        activeSince: '2026-11-20T23:00:00.000Z',
        summary: 'etcd is down',
        labels: { alertname: 'EtcdDown', severity: 'critical', instance: 'a' },
      },
      expect.objectContaining({ name: 'Slow', severity: '', state: 'pending' }) as unknown,
    ]);
  });

  it('come from the series ALERTS where there is no list of alerts', async () => {
    prometheus.setAlert({ name: 'EtcdDown', severity: 'critical' });
    prometheus.faults.inject({ kind: 'status', status: 404 }, { path: /alerts$/ });
    expect(await alerts.active(signal)).toEqual([
      {
        name: 'EtcdDown',
        severity: 'critical',
        state: 'firing',
        activeSince: null,
        summary: '',
        labels: { alertname: 'EtcdDown', severity: 'critical' },
      },
    ]);
  });

  it('D01 are unknown when Prometheus scrapes nothing', async () => {
    prometheus.setTargets([]);
    await expect(alerts.active(signal)).rejects.toThrow(/scrapes nothing/);
  });

  it('D01 are unknown when nothing that is scraped is up', async () => {
    prometheus.setTargets([
      { job: 'apiserver', instance: 'cp1:6443', up: false },
      { job: 'node', instance: 'cp1', up: false },
    ]);
    await expect(alerts.active(signal)).rejects.toMatchObject({
      message: expect.stringContaining(
        'none of the 2 targets that it scrapes is up (apiserver cp1:6443, node cp1)',
      ) as string,
      remedy: expect.stringContaining(`See ${prometheus.url}/targets `) as string,
    });
  });

  it('are known while some of what is scraped is down: that is for its rules to say', async () => {
    prometheus.setTargets([
      { job: 'apiserver', instance: 'cp1:6443', up: false },
      { job: 'node', instance: 'cp1' },
    ]);
    expect(await alerts.active(signal)).toEqual([]);
  });

  it.each([
    ['no alerting rule is loaded', [], /it has no alerting rule/],
    ['no rule was evaluated yet', [{ name: 'A', health: 'unknown' }], /none of its 1 alerting rules .*A \(unknown\)/],
    ['no rule can be evaluated', [{ name: 'A', health: 'err' }], /none of its 1 alerting rules .*A \(err\)/],
  ] as const)('D01 are unknown when %s', async (_name, rules, message) => {
    prometheus.setRules(rules);
    await expect(alerts.active(signal)).rejects.toMatchObject({
      message: expect.stringMatching(message) as string,
      remedy: expect.stringContaining(`See ${prometheus.url}/rules:`) as string,
    });
    // An alert that is active is a rule that was evaluated.
    prometheus.setAlert({ name: 'Watchdog', severity: 'none' });
    expect(await alerts.active(signal)).toHaveLength(1);
  });

  it('are none while one of the rules is evaluated', async () => {
    prometheus.setRules([{ name: 'A', health: 'err' }, { name: 'B' }]);
    expect(await alerts.active(signal)).toEqual([]);
  });

  it('D01 are unknown when neither alerts nor rules can be listed, and no alert always fires', async () => {
    prometheus.faults.inject({ kind: 'status', status: 404 }, { path: /(alerts|rules)$/ });
    await expect(alerts.active(signal)).rejects.toMatchObject({
      message: expect.stringMatching(/no alert is active.*rules.*HTTP 404/) as string,
      remedy: expect.stringContaining('Watchdog') as string,
    });
    prometheus.setAlert({ name: 'Watchdog', severity: 'none' });
    expect(await alerts.active(signal)).toMatchObject([{ name: 'Watchdog' }]);
  });

  it.each([
    ['infos', '{"status":"success","infos":["PromQL info: ignored histograms"],"data":{"alerts":[]}}', /histograms/],
    ['isPartial', '{"status":"success","isPartial":true,"data":{"alerts":[]}}', /incomplete: .*isPartial/],
  ])('D01 are unknown when the answer has %s', async (_name, body, message) => {
    prometheus.faults.inject({ kind: 'status', status: 200, body }, { path: /alerts$/ });
    await expect(alerts.active(signal)).rejects.toThrow(message);
  });

  it('D01 are unknown when a part of the data is missing', async () => {
    prometheus.setWarnings(['store gateway 2 is away']);
    await expect(alerts.active(signal)).rejects.toThrow(/incomplete: store gateway 2 is away/);
  });

  const faults: readonly (readonly [string, Fault, RegExp])[] = [
    ['refuses', { kind: 'refuse' }, /fetching/],
    ['hangs', { kind: 'hang' }, /no answer within 2 s/],
    ['answers 503', { kind: 'status', status: 503, body: 'down' }, /HTTP 503 with "down"/],
    ['answers nothing', { kind: 'empty' }, /HTTP 200 with an empty body/],
    ['answers a login page', { kind: 'garbage' }, /HTML/],
    ['breaks off', { kind: 'truncated' }, /fetching/],
    [
      'says error under 200',
      { kind: 'status', status: 200, body: '{"status":"error","errorType":"execution","error":"boom"}' },
      /it failed: execution: boom/,
    ],
    ['answers other JSON', { kind: 'status', status: 200, body: '{"alerts":[]}' }, /not one of Prometheus/],
    [
      'answers JSON of another form',
      { kind: 'status', status: 200, body: '{"status":"success","data":{"alerts":{}}}' },
      /data.* is not as expected/,
    ],
    ['redirects to a login host', { kind: 'redirect-foreign' }, /not on the list/],
  ];
  it.each(faults)('D01 are unknown when it %s', async (_name, fault, message) => {
    prometheus.faults.inject(fault, { path: /alerts$/ });
    await expect(alerts.active(signal)).rejects.toThrow(message);
  });

  it('D09 hold the use of deprecated APIs over the look-back', async () => {
    expect(await alerts.deprecatedApis(signal)).toEqual([]);
    prometheus.setDeprecatedApis([
      { group: 'flowcontrol.apiserver.k8s.io', version: 'v1beta3', resource: 'flowschemas', removedRelease: '1.32' },
    ]);
    expect(await alerts.deprecatedApis(signal)).toEqual([
      { group: 'flowcontrol.apiserver.k8s.io', version: 'v1beta3', resource: 'flowschemas', removedRelease: '1.32' },
    ]);
    expect(decodeURIComponent(prometheus.requests.at(-1)?.target ?? '')).toContain('[604800s]');
  });

  it('D09 say of which API servers there are metrics, whether they are up, and since when', async () => {
    prometheus.setTargets([
      { job: 'node', instance: '10.0.0.1:9100' },
      { job: 'apiserver', instance: '10.0.0.1:6443' },
      { job: 'apiserver', instance: '10.0.0.2:6443', up: false },
      { job: 'apiserver', instance: '10.0.0.3:6443', since: new Date('2026-11-19T23:00:00Z') },
      {
        job: 'apiserver',
        instance: '10.0.0.4:6443',
        since: new Date('2026-11-19T23:00:00Z'),
        startedAt: new Date('2026-11-01T00:00:00Z'),
      },
      { job: 'apiserver', instance: '10.0.0.5:6443', startedAt: new Date('2026-11-20T22:59:00Z') },
    ]);
    const weekAgo = '2026-11-13T23:00:00.000Z';
    expect(await alerts.apiServers(signal)).toEqual({
      lookbackHours: 168,
      instances: [
        { job: 'apiserver', instance: '10.0.0.1:6443', up: true, since: weekAgo },
        { job: 'apiserver', instance: '10.0.0.2:6443', up: false, since: weekAgo },
        { job: 'apiserver', instance: '10.0.0.3:6443', up: true, since: '2026-11-19T23:00:00.000Z' },
        // What is in use is told since the process was started, whoever began to ask later.
        { job: 'apiserver', instance: '10.0.0.4:6443', up: true, since: '2026-11-01T00:00:00.000Z' },
        { job: 'apiserver', instance: '10.0.0.5:6443', up: true, since: weekAgo },
      ],
    });
  });

  it('are up by their job, and nothing at all is no answer', async () => {
    prometheus.setTargets([
      { job: 'node', instance: 'a:9100' },
      { job: 'node', instance: 'b:9100' },
      { job: 'node', instance: 'c:9100', up: false },
      { job: 'shop', instance: 'd:80' },
      { job: 'lost', instance: 'e:80', up: false },
    ]);
    expect(await alerts.targetsUp(signal)).toEqual({ node: 2, shop: 1 });
    prometheus.setTargets([{ job: 'lost', instance: 'e:80', up: false }]);
    await expect(alerts.targetsUp(signal)).rejects.toThrow(/none of the 1 targets/);
    prometheus.setTargets([]);
    await expect(alerts.targetsUp(signal)).rejects.toThrow(/scrapes nothing at all/);
  });

  it('D09 do not say "not used" when no API server is scraped', async () => {
    prometheus.setTargets([{ job: 'node', instance: 'a:9100' }]);
    await expect(alerts.deprecatedApis(signal)).rejects.toThrow(/no metrics of an API server/);
  });
});
