import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPushgatewayMetrics } from '../../src/metrics/pushgateway-metrics.ts';
import { startPushgateway } from '../../src/rehearsal/services/pushgateway.ts';
import { type RunningComponent, startComponent, whyNot } from './component-process.ts';

const signal = AbortSignal.timeout(120_000);
const gauge = (name: string, value: number, labels: Record<string, string> = {}) => ({
  name,
  help: `help of ${name}`,
  value,
  labels,
});

function describeGateway(start: () => Promise<RunningComponent>): void {
  let gateway: RunningComponent;
  const metrics = () => createPushgatewayMetrics({ url: gateway.url, userAgent: 'test' });
  const send = async (method: string, path: string, body: string): Promise<number> =>
    (await fetch(`${gateway.url}/metrics/job/${path}`, { method, body })).status;
  const text = async (): Promise<string> => (await fetch(`${gateway.url}/metrics`)).text();

  beforeAll(async () => {
    gateway = await start();
  });
  afterAll(() => gateway?.close());

  it('takes gauges, merges them by name, and gives them back', async () => {
    await metrics().push(
      'k8s-version-check',
      [
        gauge('k8s_upgrade_available', 1, { kind: 'patch', running: '1.36.3', target: '1.36.4' }),
        gauge('k8s_version_check_last_run_timestamp', 1_795_215_600),
      ],
      signal,
    );
    await metrics().push(
      'k8s-version-check',
      [gauge('k8s_upgrade_available', 0, { kind: 'none', running: '1.36.4', target: '' })],
      signal,
    );
    await metrics().push('k8s-version-upgrade', [gauge('k8s_upgrade_in_flight', 1)], signal);
    const found = await metrics().read(signal);
    expect(
      found
        .map(({ name, value, labels }) => `${name} ${value} ${labels['job']} ${labels['kind'] ?? ''}`.trim())
        .toSorted(),
    ).toEqual([
      'k8s_upgrade_available 0 k8s-version-check none',
      'k8s_upgrade_in_flight 1 k8s-version-upgrade',
      'k8s_version_check_last_run_timestamp 1795215600 k8s-version-check',
    ]);
  });

  it('clears one group and leaves the other', async () => {
    await metrics().push('k8s-version-upgrade', [gauge('k8s_upgrade_in_flight', 1)], signal);
    await metrics().clear('k8s-version-upgrade', signal);
    // It says 202, and does it after that.
    const names = async () => (await metrics().read(signal)).map(({ name }) => name);
    await expect.poll(names, { interval: 20, timeout: 5000 }).not.toContain('k8s_upgrade_in_flight');
    expect(await text()).toContain('k8s_upgrade_available{');
  });

  it('replaces a group on PUT and deletes only the exact group', async () => {
    expect(await send('PUT', 'x', 'aa 1\nbb 2\n')).toBe(200);
    expect(await send('PUT', 'x', 'cc 3\n')).toBe(200);
    expect(await send('PUT', 'x/node@base64/YS9i', 'cc 4\n')).toBe(200);
    expect((await fetch(`${gateway.url}/metrics/job/x`, { method: 'DELETE' })).status).toBe(202);
    const left = async () => (await text()).split('\n').filter((line) => /^(aa|bb|cc)/.test(line));
    await expect.poll(left, { interval: 20, timeout: 5000 }).toEqual(['cc{instance="",job="x",node="a/b"} 4']);
  });

  it.each([
    ['a timestamp', 'ts 1 1700000000\n'],
    ['JSON', '{"a": 1}\n'],
    ['no last newline', 'aa 1'],
    ['another type than in another group', '# TYPE known counter\nknown 1\n'],
  ])('refuses a push with %s', async (_name, body) => {
    expect(await send('POST', 'first', '# TYPE known gauge\nknown 1\n')).toBe(200);
    expect(await send('POST', 'second', body)).toBe(400);
  });
}

describe('metrics on the Pushgateway of the rehearsal', () => {
  describeGateway(startPushgateway);
});

const missing = whyNot('prometheus-pushgateway');
describe.skipIf(missing !== '')(`metrics on a real Pushgateway${missing}`, () => {
  describeGateway(() =>
    startComponent('prometheus-pushgateway', (port) => ({
      // Debian's build keeps what it was pushed in a file of the system unless it is told not to.
      args: [`--web.listen-address=127.0.0.1:${port}`, '--persistence.file='],
    })),
  );
});
