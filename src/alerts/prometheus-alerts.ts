import type { DeprecatedApiFact } from '../facts/facts.ts';
import { type FetchText, fetchText } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';
import type { Alerts } from './alerts.ts';
import {
  alertOfSeries,
  alertsIn,
  notAnAnswer,
  type PrometheusAnswer,
  rulesIn,
  type Sample,
  samplesIn,
} from './prometheus-answer.ts';

export interface PrometheusAlertsOptions {
  /** Base URL, with a path prefix when it has one; user:password in it is sent as basic authentication. */
  readonly url: string;
  /** How far back the use of deprecated APIs is looked for. */
  readonly lookbackHours: number;
  readonly userAgent: string;
  /** How it is reached; default: directly. */
  readonly fetch?: FetchText;
  readonly deadlineMs?: number;
}

/** Prometheus, or whatever answers its API. Every answer that is not a full one throws: silence is not health (D01). */
export function createPrometheusAlerts(options: PrometheusAlertsOptions): Alerts {
  const { fetch = fetchText } = options;
  const base = options.url.replace(/\/+$/, '');
  const seconds = Math.round(options.lookbackHours * 3600);

  const ask = async (path: string, signal: AbortSignal): Promise<PrometheusAnswer> => {
    const { status, body } = await fetch(`${base}${path}`, {
      signal,
      headers: { 'user-agent': options.userAgent, accept: 'application/json' },
      deadlineMs: options.deadlineMs ?? 15_000,
    });
    return { where: redactUrl(`${base}${path}`), status, body };
  };
  const query = async (promql: string, signal: AbortSignal): Promise<readonly Sample[]> =>
    samplesIn(await ask(`/api/v1/query?query=${encodeURIComponent(promql)}`, signal));

  /** An empty list is good news only from a Prometheus that sees something, and whose rules are evaluated (kubeadm-facts F). */
  const proveSight = async (signal: AbortSignal): Promise<void> => {
    const targets = await query('up', signal);
    if (targets.length === 0) {
      throw notAnAnswer(redactUrl(base), 'it answers, but scrapes nothing at all (no series "up")', {
        remedy: 'Check the address, and the tenant when it is a shared one: this Prometheus cannot know of any alert.',
      });
    }
    if (targets.some(({ value }) => value[1] === '1')) return;
    const names = targets.map(({ metric }) => targetOf(metric)).slice(0, MOST_NAMES);
    const problem = `none of the ${targets.length} targets that it scrapes is up (${names.join(', ')})`;
    throw notAnAnswer(redactUrl(base), problem, {
      remedy: `See ${redactUrl(`${base}/targets`)} for why it cannot scrape: such a Prometheus cannot know of any alert.`,
    });
  };
  const proveRules = async (signal: AbortSignal): Promise<void> => {
    const listed = await ask('/api/v1/rules?type=alert', signal);
    if (listed.status === 404) {
      throw notAnAnswer(
        listed.where,
        'no alert is active, and whether there are alerting rules it cannot say (HTTP 404)',
        {
          remedy:
            'Name the Prometheus that evaluates the rules in alerts.prometheusUrl, or let an alert fire always (Watchdog).',
        },
      );
    }
    const rules = rulesIn(listed);
    if (rules.some(({ health }) => health === 'ok')) return;
    const names = rules.map(({ name, health }) => `${name} (${health})`).slice(0, MOST_NAMES);
    const problem =
      rules.length === 0
        ? 'it has no alerting rule, so that no alert can ever fire'
        : `none of its ${rules.length} alerting rules was evaluated, or can be: ${names.join(', ')}`;
    throw notAnAnswer(listed.where, problem, {
      remedy: `See ${redactUrl(`${base}/rules`)}: load alerting rules (rule_files, PrometheusRule), or name the Prometheus that has them.`,
    });
  };

  return {
    async active(signal) {
      await proveSight(signal);
      const listed = await ask('/api/v1/alerts', signal);
      // Query front ends without rules of their own answer 404; they still know the series ALERTS.
      const alerts = listed.status === 404 ? (await query('ALERTS', signal)).map(alertOfSeries) : alertsIn(listed);
      // An alert that is active is a rule that was evaluated.
      if (alerts.length === 0) await proveRules(signal);
      return alerts;
    },

    async deprecatedApis(signal) {
      const watched = await query('count(apiserver_request_total)', signal);
      if (watched.length === 0) {
        throw notAnAnswer(redactUrl(base), 'it has no metrics of an API server (no series apiserver_request_total)', {
          remedy: 'Let Prometheus scrape the API servers: without that the use of removed APIs is unknown.',
        });
      }
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

    async targetsUp(signal) {
      const up = await query('count by (job) (up == 1)', signal);
      if (up.length === 0) await proveSight(signal);
      return Object.fromEntries(up.map(({ metric, value }) => [metric['job'] ?? '', Number(value[1])]));
    },

    async apiServers(signal) {
      const step = Math.max(MIN_STEP_SECONDS, Math.round(seconds / STEPS));
      const [up, now, oldest, started] = await Promise.all([
        query('up', signal),
        query(`count by (job, instance) (${OF_API_SERVERS})`, signal),
        query(`min by (job, instance) (min_over_time(timestamp(${OF_API_SERVERS})[${seconds}s:${step}s]))`, signal),
        query(`max by (job, instance) (process_start_time_seconds and on (job, instance) ${OF_API_SERVERS})`, signal),
      ]);
      const down = new Set(up.filter(({ value }) => value[1] !== '1').map(({ metric }) => targetOf(metric)));
      const scraped = new Set(now.map(({ metric }) => targetOf(metric)));
      const starts = secondsByTarget(started);
      const since = secondsByTarget(oldest);
      // What is younger than the last step of the walk is only there now.
      const instances = new Map([...oldest, ...now].map((sample) => [targetOf(sample.metric), sample]));
      const found = [...instances].map(([target, { metric, value }]) => ({
        job: metric['job'] ?? '',
        instance: metric['instance'] ?? '',
        up: scraped.has(target) && !down.has(target),
        since: timeOf(
          Math.min(since.get(target) ?? value[0], starts.get(target) ?? Number.POSITIVE_INFINITY),
          redactUrl(base),
        ),
      }));
      return { lookbackHours: options.lookbackHours, instances: found };
    },
  };
}

/**
 * A series that every API server of a cluster has, whoever calls it, since it watches the namespaces itself, and that
 * other servers built on the same library, such as metrics-server, do not have.
 */
const OF_API_SERVERS = 'apiserver_request_total{group="",resource="namespaces"}';
/** The look-back is walked in so many steps; the oldest data are found as exactly as that. */
const STEPS = 168;
const MIN_STEP_SECONDS = 15;
const MOST_NAMES = 5;

/** 'apiserver 10.0.0.1:6443' */
function targetOf(metric: Readonly<Record<string, string>>): string {
  return `${metric['job'] ?? ''} ${metric['instance'] ?? ''}`;
}

function secondsByTarget(samples: readonly Sample[]): ReadonlyMap<string, number> {
  return new Map(samples.map(({ metric, value }) => [targetOf(metric), Number(value[1])]));
}

function timeOf(epochSeconds: number, where: string): string {
  const time = new Date(epochSeconds * 1000);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw notAnAnswer(where, `a time of its answer is none: ${epochSeconds}`);
}
