import { z } from 'zod';
import { NightliftError } from '../errors.ts';
import type { AlertFact, DeprecatedApiFact } from '../facts/facts.ts';
import { describeBody } from '../http/describe-body.ts';
import { fetchText } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';
import type { Alerts } from './alerts.ts';

export interface PrometheusAlertsOptions {
  /** Base URL, with a path prefix when it has one; user:password in it is sent as basic authentication. */
  readonly url: string;
  /** How far back the use of deprecated APIs is looked for. */
  readonly lookbackHours: number;
  readonly userAgent: string;
  readonly deadlineMs?: number;
}

const Labels = z.record(z.string(), z.string());

const Failure = z.object({
  status: z.literal('error'),
  errorType: z.string().default(''),
  error: z.string().default(''),
});

const Success = z.object({
  status: z.literal('success'),
  // Thanos and Mimir answer 200 with warnings when a part of the data is missing.
  warnings: z.array(z.string()).default([]),
  data: z.unknown(),
});

const ActiveAlerts = z.object({
  alerts: z.array(
    z.object({
      labels: Labels,
      annotations: Labels.default({}),
      state: z.enum(['firing', 'pending']),
      activeAt: z.string().optional(),
    }),
  ),
});

const Vector = z.object({
  resultType: z.literal('vector'),
  result: z.array(z.object({ metric: Labels, value: z.tuple([z.number(), z.string()]) })),
});

type Sample = z.infer<typeof Vector>['result'][number];

/** Prometheus, or whatever answers its API. Every answer that is not a full one throws: silence is not health (D01). */
export function createPrometheusAlerts(options: PrometheusAlertsOptions): Alerts {
  const base = options.url.replace(/\/+$/, '');

  async function ask<S extends z.ZodType>(
    path: string,
    schema: S,
    signal: AbortSignal,
    missing?: z.infer<S>,
  ): Promise<z.infer<S>> {
    const where = redactUrl(`${base}${path}`);
    const answer = await fetchText(`${base}${path}`, {
      signal,
      headers: { 'user-agent': options.userAgent, accept: 'application/json' },
      deadlineMs: options.deadlineMs ?? 15_000,
    });
    if (missing !== undefined && answer.status === 404) return missing;
    const value = parseJson(answer.body);
    const failure = Failure.safeParse(value);
    if (failure.success) throw notAnAnswer(where, `it failed: ${failure.data.errorType}: ${failure.data.error}`);
    if (answer.status !== 200 || value === undefined) {
      throw notAnAnswer(where, `HTTP ${answer.status} with ${describeBody(answer.body)}`);
    }
    const success = Success.safeParse(value);
    if (!success.success) throw notAnAnswer(where, `the answer is not one of Prometheus: ${describeBody(answer.body)}`);
    if (success.data.warnings.length > 0) {
      throw notAnAnswer(where, `the answer is incomplete: ${success.data.warnings.join('; ')}`);
    }
    const data = schema.safeParse(success.data.data);
    if (data.success) return data.data;
    const issue = data.error.issues[0];
    throw notAnAnswer(where, `data.${issue?.path.join('.') ?? ''} is not as expected: ${issue?.message ?? ''}`);
  }

  const query = async (promql: string, signal: AbortSignal): Promise<readonly Sample[]> =>
    (await ask(`/api/v1/query?query=${encodeURIComponent(promql)}`, Vector, signal)).result;

  return {
    async active(signal) {
      // An empty list is good news only from a Prometheus that sees something (kubeadm-facts F).
      const targets = await query('up', signal);
      if (targets.length === 0) {
        throw notAnAnswer(redactUrl(base), 'it answers, but scrapes nothing at all (no series "up")', {
          remedy:
            'Check the address, and the tenant when it is a shared one: this Prometheus cannot know of any alert.',
        });
      }
      const listed = await ask('/api/v1/alerts', ActiveAlerts, signal, NOT_SERVED);
      return listed === NOT_SERVED ? (await query('ALERTS', signal)).map(alertOfSeries) : listed.alerts.map(alertFact);
    },

    async deprecatedApis(signal) {
      const watched = await query('count(apiserver_request_total)', signal);
      if (watched.length === 0) {
        throw notAnAnswer(redactUrl(base), 'it has no metrics of an API server (no series apiserver_request_total)', {
          remedy: 'Let Prometheus scrape the API servers: without that the use of removed APIs is unknown.',
        });
      }
      const seconds = Math.round(options.lookbackHours * 3600);
      // The metric is a gauge that an API server forgets when it restarts: hence the maximum over a window (D09).
      const used = await query(
        `max by (group, version, resource, subresource, removed_release) (max_over_time(apiserver_requested_deprecated_apis[${seconds}s])) > 0`,
        signal,
      );
      const facts = new Map<string, DeprecatedApiFact>();
      for (const { metric } of used) {
        const fact = {
          group: metric['group'] ?? '',
          version: metric['version'] ?? '',
          resource: metric['resource'] ?? '',
          removedRelease: metric['removed_release'] ?? '',
        };
        facts.set(JSON.stringify(fact), fact);
      }
      return [...facts.values()];
    },
  };
}

/** Query front ends without rules of their own answer 404 for /api/v1/alerts; they still know the series ALERTS. */
const NOT_SERVED: z.infer<typeof ActiveAlerts> = { alerts: [] };

function alertFact({
  labels,
  annotations,
  state,
  activeAt,
}: z.infer<typeof ActiveAlerts>['alerts'][number]): AlertFact {
  const since = new Date(activeAt ?? '');
  return {
    name: labels['alertname'] ?? '',
    severity: labels['severity'] ?? '',
    state,
    activeSince: Number.isNaN(since.getTime()) ? null : since.toISOString(),
    summary: annotations['summary'] ?? annotations['description'] ?? '',
    labels,
  };
}

function alertOfSeries({ metric }: Sample): AlertFact {
  const { __name__: _name, alertstate, ...labels } = metric;
  return {
    name: labels['alertname'] ?? '',
    severity: labels['severity'] ?? '',
    // Only 'pending' is certain not to be firing.
    state: alertstate === 'pending' ? 'pending' : 'firing',
    activeSince: null,
    summary: '',
    labels,
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function notAnAnswer(where: string, problem: string, details: { remedy?: string } = {}): NightliftError {
  return new NightliftError('network', `asking Prometheus at ${where}: ${problem}`, {
    remedy: details.remedy ?? 'Check alerting.prometheusUrl; nothing goes on until Prometheus gives a full answer.',
  });
}
