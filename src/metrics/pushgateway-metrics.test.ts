import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../rehearsal/services/fault.ts';
import { type Pushgateway, startPushgateway } from '../rehearsal/services/pushgateway.ts';
import type { Metrics } from './metrics.ts';
import { createPushgatewayMetrics } from './pushgateway-metrics.ts';

const signal = new AbortController().signal;
const gauge = (name: string, value: number, labels?: Record<string, string>) => ({
  name,
  help: name,
  value,
  ...(labels === undefined ? {} : { labels }),
});

describe('the metrics of the Pushgateway', () => {
  let gateway: Pushgateway;
  let metrics: Metrics;

  beforeEach(async () => {
    gateway = await startPushgateway();
    metrics = createPushgatewayMetrics({ url: gateway.url, userAgent: 'nightlift/test', deadlineMs: 2000 });
  });
  afterEach(() => gateway.close());

  it('have labels that do nothing on a dashboard', async () => {
    const target = '1.36.4\n\u001b[2J\u202e"\\';
    await metrics.push('k8s-version-check', [gauge('k8s_upgrade_available', 1, { target })], signal);
    const [read] = await metrics.read(signal);
    expect(read?.labels['target']).toBe('1.36.4 ⏎ \\u001b[2J\\u202e"\\');
  });

  it('are merged by name, and nothing of this process is among them', async () => {
    await metrics.push(
      'k8s-version-upgrade',
      [gauge('k8s_upgrade_in_flight', 1), gauge('k8s_upgrade_blocked', 0)],
      signal,
    );
    await metrics.push('k8s-version-upgrade', [gauge('k8s_upgrade_in_flight', 0)], signal);
    expect(gateway.value('k8s-version-upgrade', 'k8s_upgrade_in_flight')).toBe(0);
    expect(gateway.value('k8s-version-upgrade', 'k8s_upgrade_blocked')).toBe(0);
    expect(gateway.history[0]?.metrics.map(({ name }) => name)).toEqual([
      'k8s_upgrade_in_flight',
      'k8s_upgrade_blocked',
    ]);
  });

  it('are read back with labels and values', async () => {
    await metrics.push(
      'k8s-version-check',
      [gauge('k8s_upgrade_available', 1, { kind: 'patch', running: '1.36.3', target: '1.36.4' })],
      signal,
    );
    expect(await metrics.read(signal)).toEqual([
      {
        name: 'k8s_upgrade_available',
        labels: expect.objectContaining({ job: 'k8s-version-check', kind: 'patch', target: '1.36.4' }) as unknown,
        value: 1,
      },
    ]);
  });

  it('replace the series of a name whose labels have changed', async () => {
    await metrics.push('k8s-version-check', [gauge('k8s_upgrade_available', 1, { kind: 'patch' })], signal);
    await metrics.push('k8s-version-check', [gauge('k8s_upgrade_available', 0, { kind: 'none' })], signal);
    expect((await metrics.read(signal)).map(({ labels, value }) => [labels['kind'], value])).toEqual([['none', 0]]);
  });

  it('are gone once their group is cleared', async () => {
    await metrics.push('k8s-version-upgrade', [gauge('k8s_upgrade_in_flight', 1)], signal);
    await metrics.clear('k8s-version-upgrade', signal);
    await metrics.clear('k8s-version-upgrade', signal);
    expect(await metrics.read(signal)).toEqual([]);
  });

  const faults: readonly (readonly [string, Fault, RegExp])[] = [
    ['refuses', { kind: 'refuse' }, /fetching/],
    ['hangs', { kind: 'hang' }, /no answer within 2 s/],
    ['answers 500', { kind: 'status', status: 500, body: 'boom' }, /HTTP 500 with "boom"/],
  ];
  it.each(faults)('D23 are an error when the Pushgateway %s', async (_name, fault, message) => {
    gateway.faults.inject(fault);
    await expect(metrics.push('k8s-version-upgrade', [gauge('k8s_upgrade_in_flight', 1)], signal)).rejects.toThrow(
      message,
    );
    await expect(metrics.read(signal)).rejects.toThrow(message);
    await expect(metrics.clear('k8s-version-upgrade', signal)).rejects.toThrow(message);
  });

  it.each([
    { kind: 'garbage' },
    { kind: 'status', status: 200, body: '{"status":"ok"}' },
    { kind: 'status', status: 204, body: '' },
  ] as const)('D23 are not pushed, nor cleared, when somebody else says yes: %o', async (fault) => {
    gateway.faults.inject(fault);
    const push = metrics.push('k8s-version-upgrade', [gauge('k8s_upgrade_in_flight', 1)], signal);
    await expect(push).rejects.toThrow(/pushing .*not one of a Pushgateway: HTTP 20[04] with/);
    await expect(metrics.clear('k8s-version-upgrade', signal)).rejects.toThrow(/clearing .*not one of a Pushgateway/);
  });

  it('D23 are not cleared by whoever answers nothing: a Pushgateway says 202', async () => {
    gateway.faults.inject({ kind: 'empty' });
    await expect(metrics.clear('k8s-version-upgrade', signal)).rejects.toThrow(/clearing .*not one of a Pushgateway/);
  });

  it.each([{ kind: 'empty' }, { kind: 'garbage' }] as const)(
    'D23 are unknown, not none, when the answer is $kind',
    async (fault) => {
      gateway.faults.inject(fault);
      await expect(metrics.read(signal)).rejects.toThrow(/not one of a Pushgateway/);
    },
  );
});
