import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { startFaultyHttpServer } from '../../src/rehearsal/services/faulty-http-server.ts';
import { logOf, NIGHT_MS, SMALL, useNights } from '../rehearsal/nights.ts';
import { callCli } from '../support/call-cli.ts';
import { installed, type RunningComponent, startComponent, whyNot } from './component-process.ts';

const nights = useNights();
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nightlift-promotion-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function historyOf({ server }: EmbeddedCluster): Promise<string> {
  const file = join(directory, `kubeconfig-${server.port}`);
  writeFileSync(file, server.kubeconfig());
  return (await callCli(['history', '-o', 'json', '--kubeconfig', file])).out;
}

describe('production after staging, by the history of its runs', { timeout: NIGHT_MS }, () => {
  it('takes the version when staging has run it for its days, and not before', async () => {
    await nights.cluster(SMALL, async (staging) => {
      let history = await historyOf(staging);
      const web = await startFaultyHttpServer({ handle: () => ({ status: 200, body: history }) });
      try {
        // Nine seconds.
        const settings = { promotion: { from: 'url', url: `${web.url}/history.json`, days: 0.0001 } };
        await nights.cluster(
          SMALL,
          async (production) => {
            const first = await runNight(production);
            expect(
              first.refusals.map(({ reason }) => reason),
              logOf(production),
            ).toEqual(['Unknown']);
            expect((await runNight(staging)).outcome, logOf(staging)).toBe('upgraded');
            history = await historyOf(staging);
            await new Promise((resolve) => setTimeout(resolve, 9_000));
            const second = await runNight(production);
            expect(second.outcome, logOf(production)).toBe('upgraded');
          },
          { settings },
        );
      } finally {
        await web.close();
      }
    });
  });
});

const DAY = 86_400;

/** Series of a staging cluster that took 1.36.4 nine days ago, and of production, which runs the old version. */
function series(redDaysAgo: number | undefined): string {
  const now = Math.floor(Date.now() / 1000);
  const times = (from: number, to: number): number[] =>
    Array.from({ length: Math.floor((from - to) / 600) + 1 }, (_, index) => now - from + index * 600);
  const lines = (name: string, from: number, to: number, value: (time: number) => number = () => 1): string[] =>
    times(from, to).map((time) => `${name} ${value(time)} ${time}`);
  const build = (cluster: string, job: string, version: string): string =>
    `kubernetes_build_info{cluster="${cluster}",job="${job}",git_version="${version}"}`;
  const alert = (name: string, severity: string, state = 'firing'): string =>
    `ALERTS{cluster="staging",alertname="${name}",severity="${severity}",alertstate="${state}"}`;
  const looked = (time: number): number => time - (time % DAY);
  return [
    '# TYPE kubernetes_build_info gauge',
    ...lines(build('staging', 'apiserver', 'v1.36.3'), 12 * DAY, 9.1 * DAY),
    ...lines(build('staging', 'apiserver', 'v1.36.4'), 9.1 * DAY, 0),
    ...lines(build('staging', 'kubelet', 'v1.36.3'), 12 * DAY, 9 * DAY),
    ...lines(build('staging', 'kubelet', 'v1.36.4'), 9 * DAY, 0),
    ...lines(build('staging', 'metrics-server', 'v0.0.0-master'), 12 * DAY, 0),
    ...lines(build('production', 'apiserver', 'v1.36.3'), 12 * DAY, 0),
    '# TYPE ALERTS gauge',
    ...lines(alert('K8sUpgradeInProgress', 'info'), 9.2 * DAY, 9 * DAY),
    ...lines(alert('KubeNodeNotReady', 'critical'), 9.1 * DAY, 9.05 * DAY),
    ...(redDaysAgo === undefined ? [] : lines(alert('Down', 'critical'), (redDaysAgo + 0.1) * DAY, redDaysAgo * DAY)),
    '# TYPE k8s_version_check_last_run_timestamp gauge',
    ...lines('k8s_version_check_last_run_timestamp{cluster="staging"}', 12 * DAY, 0, looked),
    '# EOF',
    '',
  ].join('\n');
}

/** A real Prometheus with these series in its past. */
function startWith(text: string): Promise<RunningComponent> {
  return startComponent('prometheus', (port, folder) => {
    writeFileSync(join(folder, 'past.om'), text);
    writeFileSync(join(folder, 'prometheus.yml'), '{}');
    const tool = installed('promtool') ?? 'promtool';
    execFileSync(tool, ['tsdb', 'create-blocks-from', 'openmetrics', 'past.om', folder], {
      cwd: folder,
      stdio: 'ignore',
    });
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

const missing = whyNot('prometheus');
describe.skipIf(missing !== '')(
  `production after staging, by a real Prometheus${missing}`,
  { timeout: NIGHT_MS },
  () => {
    it.each<[string, number | undefined, number, readonly string[]]>([
      ['takes what has run there for its days', undefined, 7, []],
      ['waits for the days', undefined, 10, ['NotPromoted']],
      ['refuses what was red meanwhile', 3, 7, ['StagingRed']],
    ])('%s', async (_title, redDaysAgo, days, reasons) => {
      const prometheus = await startWith(series(redDaysAgo));
      try {
        const promotion = { from: 'prometheus', prometheusUrl: prometheus.url, labels: { cluster: 'staging' }, days };
        await nights.cluster(
          SMALL,
          async (production) => {
            const night = await runNight(production);
            expect(
              night.refusals.map(({ reason }) => reason),
              logOf(production),
            ).toEqual(reasons);
            expect(night.outcome).toBe(
              reasons.length === 0 ? 'upgraded' : reasons.includes('NotPromoted') ? 'held' : 'blocked',
            );
          },
          { settings: { promotion } },
        );
      } finally {
        await prometheus.close();
      }
    });
  },
);
