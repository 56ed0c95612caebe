import {
  alertOfSeries,
  matrixIn,
  notAnAnswer,
  type PrometheusAnswer,
  type Series,
  samplesIn,
} from '../alerts/prometheus-answer.ts';
import type { Clock } from '../clock.ts';
import type { StagingFact } from '../facts/staging.ts';
import { type FetchText, fetchText } from '../http/fetch-text.ts';
import { redactUrl } from '../http/redact-url.ts';
import { oldestVersion, parseVersion } from '../version.ts';
import { MOST_BYTES, type Staging, whyNotFresh } from './staging.ts';

export interface PrometheusStagingOptions {
  readonly url: string;
  /** Of the series of staging; empty where this Prometheus has those of no other cluster. */
  readonly labels: Readonly<Record<string, string>>;
  /** How long staging has to have run a version; it is looked back further. */
  readonly days: number;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly fetch?: FetchText;
  readonly deadlineMs?: number;
}

const DAY_SECONDS = 86_400;
const LEAST_STEP_SECONDS = 300;
/** Prometheus gives at most 11,000 for each series. */
const STEPS = 2000;
/** Without data for longer than this nobody knows what ran meanwhile. */
const GAP_SECONDS = 6 * 3600;

/**
 * Versions by kubernetes_build_info, of API servers and kubelets; red by ALERTS; and that the detector of staging is alive by its own
 * time stamp. Each of them has to be there: a series that is missing is not good news.
 */
export function createPrometheusStaging(options: PrometheusStagingOptions): Staging {
  const { fetch = fetchText, labels, days, clock } = options;
  const base = options.url.replace(/\/+$/, '');
  const own = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const series = (name: string, ...matchers: readonly string[]): string =>
    `${name}{${[...own, ...matchers].join(',')}}`;
  const source = `${redactUrl(base)} ${series('')}`.trim();
  const ask = async (path: string, signal: AbortSignal): Promise<PrometheusAnswer> => {
    const { status, body } = await fetch(`${base}${path}`, {
      signal,
      headers: { 'user-agent': options.userAgent, accept: 'application/json' },
      deadlineMs: options.deadlineMs ?? 30_000,
      maxBytes: MOST_BYTES,
    });
    return { where: redactUrl(`${base}${path}`), status, body };
  };
  const no = (problem: string): Error =>
    notAnAnswer(source, problem, {
      remedy: 'Check promotion.prometheusUrl and promotion.labels, and that staging is scraped; see docs/promotion.md.',
    });

  return {
    async look(signal) {
      const now = Math.floor(clock.now().getTime() / 1000);
      const back = Math.ceil(Math.max(2 * days, days + 14) * DAY_SECONDS);
      const step = Math.max(LEAST_STEP_SECONDS, Math.ceil(back / STEPS));
      const range = async (promql: string): Promise<readonly Series[]> => {
        const query = new URLSearchParams({ query: promql, start: `${now - back}`, end: `${now}`, step: `${step}` });
        return matrixIn(await ask(`/api/v1/query_range?${query.toString()}`, signal));
      };
      const looked = `max(${series('k8s_version_check_last_run_timestamp')})`;
      const [versions, alerts, [detector]] = await Promise.all([
        // Other servers are built on the same library and give a version of their own, which no Kubernetes has.
        range(`count by (git_version) (${series('kubernetes_build_info', 'git_version=~"v1[.].+"')})`),
        range(`count by (alertname, severity, alertstate) (${series('ALERTS')})`),
        ask(`/api/v1/query?query=${encodeURIComponent(looked)}`, signal).then(samplesIn),
      ]);
      const stale = detector === undefined ? undefined : whyNotFresh(Number(detector.value[1]) * 1000, now * 1000);
      if (detector === undefined) throw no('it has no series k8s_version_check_last_run_timestamp of staging');
      if (stale !== undefined) throw no(`the detector of staging has not run last night: ${stale}`);
      if (alerts.length === 0)
        throw no('it has no series ALERTS of staging, not even of an upgrade: its rules are not loaded, or not here');
      const ran = intervalsOf(versions, now);
      if (ran.at(-1)?.to !== null)
        throw no(`it has no kubernetes_build_info of staging of the last ${GAP_SECONDS / 3600} h`);
      return { source, ran, reds: alerts.flatMap(redOf) };
    },
  };
}

/** What all of staging ran at each time is the oldest of its versions. Pure. */
export function intervalsOf(versions: readonly Series[], now: number): StagingFact['ran'] {
  const at = new Map<number, string[]>();
  for (const { metric, values } of versions) {
    const version = parseVersion(metric['git_version'] ?? '');
    if (version === undefined)
      throw notAnAnswer('kubernetes_build_info', `"${metric['git_version'] ?? ''}" is no release X.Y.Z of Kubernetes`);
    for (const [time] of values) at.set(time, [...(at.get(time) ?? []), version]);
  }
  const ran: { version: string; from: string; to: string | null }[] = [];
  let before: number | undefined;
  for (const [time, all] of [...at].toSorted(([a], [b]) => a - b)) {
    const version = oldestVersion(all) ?? '';
    const last = ran.at(-1);
    const isGap = before !== undefined && time - before > GAP_SECONDS;
    if (last !== undefined && before !== undefined && (isGap || last.version !== version))
      last.to = timeOf(isGap ? before : time);
    if (last === undefined || isGap || last.version !== version) ran.push({ version, from: timeOf(time), to: null });
    before = time;
  }
  const last = ran.at(-1);
  if (last !== undefined && before !== undefined && now - before > GAP_SECONDS) last.to = timeOf(before);
  return ran;
}

function redOf({ metric, values }: Series): StagingFact['reds'] {
  const { name, severity, state } = alertOfSeries({ metric, value: [0, ''] });
  const last = values.at(-1)?.[0];
  if (state !== 'firing' || last === undefined) return [];
  return [{ at: timeOf(last), what: `alert ${name} (${severity}) was firing`, alert: name, severity }];
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
