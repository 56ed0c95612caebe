import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alerts } from '../../src/alerts/alerts.ts';
import { createPrometheusAlerts } from '../../src/alerts/prometheus-alerts.ts';
import { startFaultyHttpServer } from '../../src/rehearsal/services/faulty-http-server.ts';
import { startPrometheus } from '../../src/rehearsal/services/prometheus.ts';
import { kubePrograms } from '../control-plane/kube-programs.ts';
import { startControlPlane } from '../control-plane/real-control-plane.ts';
import { type RunningComponent, startComponent, whyNot } from './component-process.ts';

const signal = AbortSignal.timeout(120_000);
const API = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1beta3',
  resource: 'flowschemas',
  removedRelease: '1.32',
};

/** When the process of the old API server was started, long before it was scraped first. */
const STARTED = '2026-01-02T03:04:05.000Z';

interface Subject {
  /** Scrapes an old API server, a young one, and metrics-server; the alert Down (critical) fires, Soon is pending. */
  readonly full: RunningComponent;
  readonly apiServers: { readonly old: string; readonly young: string };
  /** Scrapes itself only. */
  readonly withoutApiServer: RunningComponent;
  /** Scrapes nothing. */
  readonly blind: RunningComponent;
  /** Scrapes what is not there. */
  readonly down: RunningComponent;
  /** Scrapes itself, and has no alerting rule. */
  readonly ruleless: RunningComponent;
  close(): Promise<void>;
}

function describePrometheus(start: () => Promise<Subject>): void {
  let subject: Subject;
  const alerts = ({ url }: RunningComponent): Alerts =>
    createPrometheusAlerts({ url, lookbackHours: 168, userAgent: 'test' });

  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject?.close());

  it('lists firing and pending alerts', async () => {
    await expect.poll(async () => (await alerts(subject.full).active(signal)).length, { timeout: 20_000 }).toBe(2);
    await expect
      .poll(
        async () => (await alerts(subject.full).active(signal)).map(({ name, state }) => `${name} ${state}`).toSorted(),
        { timeout: 20_000 },
      )
      .toEqual(['Down firing', 'Soon pending']);
    const down = (await alerts(subject.full).active(signal)).find(({ name }) => name === 'Down');
    expect(down).toEqual({
      name: 'Down',
      severity: 'critical',
      state: 'firing',
      activeSince: expect.stringMatching(/^20\d\d-.*Z$/) as string,
      summary: 'it is down',
      labels: { alertname: 'Down', severity: 'critical' },
    });
  });

  it('I02 lists none where none is active', async () => {
    const { withoutApiServer } = subject;
    await expect.poll(() => alerts(withoutApiServer).active(signal).catch(String), { timeout: 20_000 }).toEqual([]);
  });

  it('D01 halts where nothing is scraped', async () => {
    await expect(alerts(subject.blind).active(signal)).rejects.toThrow(/scrapes nothing/);
  });

  it('D01 halts where nothing that is scraped is up', async () => {
    await expect(alerts(subject.down).active(signal)).rejects.toThrow(/none of the 1 targets that it scrapes is up/);
  });

  it('D01 halts where no alerting rule is loaded', async () => {
    await expect(alerts(subject.ruleless).active(signal)).rejects.toThrow(/it has no alerting rule/);
  });

  it('D09 tells of which API servers it has metrics, and since when on nothing was missed', async () => {
    const { old, young } = subject.apiServers;
    const found = async () =>
      (await alerts(subject.full).apiServers(signal)).instances.toSorted((a, b) => a.since.localeCompare(b.since));
    await expect.poll(async () => (await found()).length, { timeout: 20_000 }).toBe(2);
    const [first, second, ...more] = await found();
    expect(first).toMatchObject({ instance: old, up: true, since: STARTED });
    expect(second).toMatchObject({ instance: young, up: true });
    // Prometheus itself is young as well.
    expect(Date.now() - Date.parse(second?.since ?? '')).toBeLessThan(600_000);
    expect(more).toEqual([]);
    expect((await alerts(subject.withoutApiServer).apiServers(signal)).instances).toEqual([]);
  });

  it('D09 finds deprecated APIs in use, and halts where no API server is scraped', async () => {
    await expect.poll(() => alerts(subject.full).deprecatedApis(signal), { timeout: 20_000 }).toEqual([API]);
    await expect(alerts(subject.withoutApiServer).deprecatedApis(signal)).rejects.toThrow(
      /no metrics of an API server/,
    );
  });
}

describe('alerts of the Prometheus of the rehearsal', () => {
  describePrometheus(async () => {
    const [full, withoutApiServer, blind] = [await startPrometheus(), await startPrometheus(), await startPrometheus()];
    const [down, ruleless] = [await startPrometheus(), await startPrometheus()];
    const [old, young] = ['10.0.0.1:6443', '10.0.0.2:6443'];
    full.setTargets([
      { job: 'apiserver', instance: old, since: new Date(), startedAt: new Date(STARTED) },
      { job: 'apiserver', instance: young, since: new Date() },
      { job: 'metrics-server', instance: '10.0.0.3:10250' },
    ]);
    down.setTargets([{ job: 'job', instance: 'localhost:1', up: false }]);
    ruleless.setRules([]);
    full.setAlert({ name: 'Down', severity: 'critical', summary: 'it is down' });
    full.setAlert({ name: 'Soon', state: 'pending' });
    full.setDeprecatedApis([API]);
    withoutApiServer.setTargets([{ job: 'prometheus', instance: 'localhost:9090' }]);
    blind.setTargets([]);
    return {
      full,
      apiServers: { old, young },
      withoutApiServer,
      blind,
      down,
      ruleless,
      async close() {
        for (const one of [full, withoutApiServer, blind, down, ruleless]) await one.close();
      },
    };
  });
});

const missing = whyNot('prometheus');
describe.skipIf(missing !== '')(`alerts of a real Prometheus${missing}`, () => {
  describePrometheus(async () => {
    const serves = (...lines: readonly string[]) =>
      startFaultyHttpServer({ handle: () => ({ status: 200, body: `${lines.join('\n')}\n` }) });
    const requests = (group: string, resource: string): string =>
      `apiserver_request_total{verb="LIST",group="${group}",resource="${resource}"} 5`;
    const old = await serves(
      requests('', 'namespaces'),
      `process_start_time_seconds ${Date.parse(STARTED) / 1000}`,
      `apiserver_requested_deprecated_apis{group="${API.group}",version="${API.version}",resource="${API.resource}",subresource="",removed_release="${API.removedRelease}"} 1`,
    );
    const young = await serves(requests('', 'namespaces'), requests('apps', 'deployments'));
    const metricsServer = await serves(requests('metrics.k8s.io', 'nodes'), 'process_start_time_seconds 1');
    const addressOf = ({ port }: { readonly port: number }): string => `127.0.0.1:${port}`;
    const never = { alert: 'Never', expr: 'vector(0) > 1' };
    const full = await startReal([old, young, metricsServer].map(addressOf), [
      { alert: 'Down', expr: 'vector(1)', labels: { severity: 'critical' }, annotations: { summary: 'it is down' } },
      { alert: 'Soon', expr: 'vector(1)', for: '1h' },
      never,
    ]);
    const withoutApiServer = await startReal(['itself'], [never]);
    const blind = await startReal([], [never]);
    const down = await startReal(['127.0.0.1:1'], [never]);
    const ruleless = await startReal(['itself'], []);
    for (const one of [withoutApiServer, down, ruleless]) await scraped(one);
    return {
      full,
      apiServers: { old: addressOf(old), young: addressOf(young) },
      withoutApiServer,
      blind,
      down,
      ruleless,
      async close() {
        for (const one of [full, withoutApiServer, blind, down, ruleless, old, young, metricsServer]) await one.close();
      },
    };
  });
});

const programs = await kubePrograms();
const absent = missing !== '' || 'missing' in programs;
describe.skipIf(absent)('a real Prometheus that scrapes a real API server', () => {
  it('D09 knows it by what it exposes, whatever the job is called, and since when it runs', async () => {
    const controlPlane = await startControlPlane();
    if ('missing' in controlPlane) throw new Error(controlPlane.missing);
    const instance = new URL(controlPlane.url).host;
    const prometheus = await startReal([instance], [], {
      scheme: 'https',
      authorization: { credentials: controlPlane.adminToken },
      tls_config: { insecure_skip_verify: true },
    });
    try {
      const alerts = createPrometheusAlerts({ url: prometheus.url, lookbackHours: 168, userAgent: 'test' });
      const found = async () => (await alerts.apiServers(signal)).instances;
      await expect.poll(found, { timeout: 30_000 }).toMatchObject([{ job: 'job', instance, up: true }]);
      const [one] = await found();
      expect(Date.now() - Date.parse(one?.since ?? '')).toBeLessThan(120_000);
      expect(await alerts.deprecatedApis(signal)).toEqual([]);
    } finally {
      await prometheus.close();
      await controlPlane.close();
    }
  });
});

/** JSON is YAML, so the configuration needs no other writer. */
function startReal(
  targets: readonly string[],
  rules: readonly object[],
  access: object = {},
): Promise<RunningComponent> {
  return startComponent('prometheus', (port, folder) => {
    const scrape =
      targets.length === 0
        ? []
        : [
            {
              job_name: 'job',
              ...access,
              static_configs: [
                { targets: targets.map((target) => (target === 'itself' ? `127.0.0.1:${port}` : target)) },
              ],
            },
          ];
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'test', rules }] }));
    writeFileSync(
      join(folder, 'prometheus.yml'),
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: ['rules.yml'],
        scrape_configs: scrape,
      }),
    );
    return {
      args: [
        '--config.file=prometheus.yml',
        `--web.listen-address=127.0.0.1:${port}`,
        `--storage.tsdb.path=${folder}`,
        '--log.level=warn',
      ],
    };
  });
}

/** The first scrape comes some seconds after the start. */
async function scraped({ url }: RunningComponent): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await fetch(`${url}/api/v1/query?query=up`);
    if ((await answer.text()).includes('"metric"')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('Prometheus scraped nothing within 30 s');
}
