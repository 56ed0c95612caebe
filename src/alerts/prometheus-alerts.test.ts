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

  it('D09 do not say "not used" when no API server is scraped', async () => {
    prometheus.setTargets([{ job: 'node', instance: 'a:9100' }]);
    await expect(alerts.deprecatedApis(signal)).rejects.toThrow(/no metrics of an API server/);
  });
});
