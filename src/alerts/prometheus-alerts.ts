import type { DeprecatedApiFact } from '../facts/facts.ts';
import { fetchText } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';
import type { Alerts } from './alerts.ts';
import {
  alertOfSeries,
  alertsIn,
  notAnAnswer,
  type PrometheusAnswer,
  type Sample,
  samplesIn,
} from './prometheus-answer.ts';

export interface PrometheusAlertsOptions {
  /** Base URL, with a path prefix when it has one; user:password in it is sent as basic authentication. */
  readonly url: string;
  /** How far back the use of deprecated APIs is looked for. */
  readonly lookbackHours: number;
  readonly userAgent: string;
  readonly deadlineMs?: number;
}

/** Prometheus, or whatever answers its API. Every answer that is not a full one throws: silence is not health (D01). */
export function createPrometheusAlerts(options: PrometheusAlertsOptions): Alerts {
  const base = options.url.replace(/\/+$/, '');

  const ask = async (path: string, signal: AbortSignal): Promise<PrometheusAnswer> => {
    const { status, body } = await fetchText(`${base}${path}`, {
      signal,
      headers: { 'user-agent': options.userAgent, accept: 'application/json' },
      deadlineMs: options.deadlineMs ?? 15_000,
    });
    return { where: redactUrl(`${base}${path}`), status, body };
  };
  const query = async (promql: string, signal: AbortSignal): Promise<readonly Sample[]> =>
    samplesIn(await ask(`/api/v1/query?query=${encodeURIComponent(promql)}`, signal));

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
      const listed = await ask('/api/v1/alerts', signal);
      // Query front ends without rules of their own answer 404; they still know the series ALERTS.
      return listed.status === 404 ? (await query('ALERTS', signal)).map(alertOfSeries) : alertsIn(listed);
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
