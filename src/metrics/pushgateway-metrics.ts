import { z } from 'zod';
import { NightliftError } from '../errors.ts';
import type { GaugeFact } from '../facts/facts.ts';
import { describeBody } from '../http/describe-body.ts';
import { type FetchText, fetchText, type TextAnswer } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';
import { oneLine } from '../plain-text.ts';
import type { Gauge, MetricGroup, Metrics } from './metrics.ts';

export interface PushgatewayMetricsOptions {
  /** Base URL; user:password in it is sent as basic authentication. */
  readonly url: string;
  readonly userAgent: string;
  /** How it is reached; default: directly. */
  readonly fetch?: FetchText;
  readonly deadlineMs?: number;
}

const Family = z.object({
  metrics: z.array(z.object({ labels: z.record(z.string(), z.string()), value: z.string() })).default([]),
});

/** One record for each group: its labels, and beside them one key for each metric. */
const Groups = z.object({ status: z.literal('success'), data: z.array(z.record(z.string(), z.unknown())) });

const OURS = /^k8s_(upgrade|version)_/;

/**
 * The Pushgateway. prom-client writes the exposition format; the requests are ours, because its own have no deadline by
 * default, ignore a signal and use an API that Node warns about on stderr.
 */
export function createPushgatewayMetrics(options: PushgatewayMetricsOptions): Metrics {
  const { fetch = fetchText } = options;
  const base = options.url.replace(/\/+$/, '');
  const groupUrl = (group: MetricGroup): string => `${base}/metrics/job/${encodeURIComponent(group)}`;
  const ask = async (
    doing: string,
    url: string,
    request: { method: 'GET' | 'POST' | 'DELETE'; body?: string },
    signal: AbortSignal,
  ): Promise<TextAnswer> => {
    const answer = await fetch(url, {
      signal,
      ...request,
      headers: {
        'user-agent': options.userAgent,
        ...(request.body === undefined ? {} : { 'content-type': 'text/plain; version=0.0.4' }),
      },
      deadlineMs: options.deadlineMs ?? 10_000,
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw unusable(doing, url, `HTTP ${answer.status} with ${describeBody(answer.body)}`);
  };
  /** A Pushgateway says yes with a status and nothing else (`handler/push.go`, `handler/delete.go`); a page is a proxy's. */
  const change = async (
    doing: string,
    group: MetricGroup,
    request: { method: 'POST' | 'DELETE'; body?: string },
    statuses: readonly number[],
    signal: AbortSignal,
  ): Promise<void> => {
    const url = groupUrl(group);
    const { status, body } = await ask(doing, url, request, signal);
    if (statuses.includes(status) && body.trim() === '') return;
    throw unusable(doing, url, `the answer is not one of a Pushgateway: HTTP ${status} with ${describeBody(body)}`);
  };
  return {
    async push(group, gauges, signal) {
      const request = { method: 'POST', body: await exposition(gauges) } as const;
      // 202 where its consistency check is switched off.
      await change(`pushing metrics of ${group}`, group, request, [200, 202], signal);
    },

    async clear(group, signal) {
      await change(`clearing the metrics of ${group}`, group, { method: 'DELETE' }, [202], signal);
    },

    async read(signal) {
      const doing = 'reading the metrics';
      const url = `${base}/api/v1/metrics`;
      const { body } = await ask(doing, url, { method: 'GET' }, signal);
      const groups = Groups.safeParse(parseJson(body));
      if (!groups.success) throw unusable(doing, url, `the answer is not one of a Pushgateway: ${describeBody(body)}`);
      return groups.data.data.flatMap((group) =>
        Object.entries(group).flatMap(([name, family]) => gaugesOf(name, family, url)),
      );
    },
  };
}

/** A registry of its own for every push: the global one would add this process's own metrics to our group. */
async function exposition(gauges: readonly Gauge[]): Promise<string> {
  const { Gauge: PromGauge, Registry } = await import('prom-client');
  const registry = new Registry();
  const families = new Map<string, readonly Gauge[]>();
  for (const gauge of gauges) families.set(gauge.name, [...(families.get(gauge.name) ?? []), gauge]);
  for (const [name, members] of families) {
    const labelNames = [...new Set(members.flatMap(({ labels = {} }) => Object.keys(labels)))];
    const family = new PromGauge({ name, help: members[0]?.help ?? name, labelNames, registers: [registry] });
    for (const { labels = {}, value } of members) family.set(plainLabels(labels), value);
  }
  return registry.metrics();
}

/** prom-client escapes what the format needs; dashboards and alerts show the rest as it is. */
function plainLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, oneLine(value)]));
}

function gaugesOf(name: string, family: unknown, url: string): GaugeFact[] {
  if (!OURS.test(name)) return [];
  const parsed = Family.safeParse(family);
  if (!parsed.success) throw unusable('reading the metrics', url, `${name} is not in the expected form`);
  return parsed.data.metrics.map(({ labels, value }) => {
    const number = Number(value);
    if (value.trim() === '' || Number.isNaN(number))
      throw unusable('reading the metrics', url, `${name} has the value "${value}"`);
    return { name, labels, value: number };
  });
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function unusable(doing: string, url: string, problem: string): NightliftError {
  return new NightliftError('network', `${doing} at ${redactUrl(url)}: ${problem}`, {
    remedy: 'Check the address of the Pushgateway in the settings; an upgrade does not depend on it.',
  });
}
