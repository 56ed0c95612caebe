import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alerts } from '../../src/alerts/alerts.ts';
import { createPrometheusAlerts } from '../../src/alerts/prometheus-alerts.ts';
import { startFaultyHttpServer } from '../../src/rehearsal/services/faulty-http-server.ts';
import { startPrometheus } from '../../src/rehearsal/services/prometheus.ts';
import { type RunningComponent, startComponent, whyNot } from './component-process.ts';

const signal = AbortSignal.timeout(120_000);
const API = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1beta3',
  resource: 'flowschemas',
  removedRelease: '1.32',
};

interface Subject {
  /** Scrapes an API server; the alert Down (critical) fires, Soon is pending. */
  readonly full: RunningComponent;
  /** Scrapes itself only. */
  readonly withoutApiServer: RunningComponent;
  /** Scrapes nothing. */
  readonly blind: RunningComponent;
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
    expect(await alerts(subject.withoutApiServer).active(signal)).toEqual([]);
  });

  it('D01 halts where nothing is scraped', async () => {
    await expect(alerts(subject.blind).active(signal)).rejects.toThrow(/scrapes nothing/);
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
    full.setAlert({ name: 'Down', severity: 'critical', summary: 'it is down' });
    full.setAlert({ name: 'Soon', state: 'pending' });
    full.setDeprecatedApis([API]);
    withoutApiServer.setTargets([{ job: 'prometheus', instance: 'localhost:9090' }]);
    blind.setTargets([]);
    return {
      full,
      withoutApiServer,
      blind,
      async close() {
        for (const one of [full, withoutApiServer, blind]) await one.close();
      },
    };
  });
});

const missing = whyNot('prometheus');
describe.skipIf(missing !== '')(`alerts of a real Prometheus${missing}`, () => {
  describePrometheus(async () => {
    const apiServer = await startFaultyHttpServer({
      handle: () => ({
        status: 200,
        body: `apiserver_request_total{verb="GET"} 5\napiserver_requested_deprecated_apis{group="${API.group}",version="${API.version}",resource="${API.resource}",subresource="",removed_release="${API.removedRelease}"} 1\n`,
      }),
    });
    const full = await startReal(
      [`127.0.0.1:${apiServer.port}`],
      [
        { alert: 'Down', expr: 'vector(1)', labels: { severity: 'critical' }, annotations: { summary: 'it is down' } },
        { alert: 'Soon', expr: 'vector(1)', for: '1h' },
        { alert: 'Never', expr: 'vector(0) > 1' },
      ],
    );
    const withoutApiServer = await startReal(['itself'], []);
    const blind = await startReal([], []);
    await scraped(withoutApiServer);
    return {
      full,
      withoutApiServer,
      blind,
      async close() {
        for (const one of [full, withoutApiServer, blind, apiServer]) await one.close();
      },
    };
  });
});

/** JSON is YAML, so the configuration needs no other writer. */
function startReal(targets: readonly string[], rules: readonly object[]): Promise<RunningComponent> {
  return startComponent('prometheus', (port, folder) => {
    const scrape =
      targets.length === 0
        ? []
        : [
            {
              job_name: 'job',
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
