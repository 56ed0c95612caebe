import type { Faults } from './fault.ts';
import {
  type RecordedRequest,
  type ServiceAnswer,
  type ServiceRequest,
  startFaultyHttpServer,
} from './faulty-http-server.ts';

export interface RehearsalAlert {
  readonly name: string;
  readonly severity?: string;
  readonly state?: 'firing' | 'pending';
  readonly since?: Date;
  readonly summary?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RehearsalDeprecatedApi {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly removedRelease: string;
}

/** An instance of a job. API servers are those of the job `apiserver`. */
export interface RehearsalTarget {
  readonly job: string;
  readonly instance: string;
  /** Default true. */
  readonly up?: boolean;
  /** The oldest that Prometheus has of it; default: older than anybody asks for. */
  readonly since?: Date;
  /** When its process was started; without it, it does not say so. */
  readonly startedAt?: Date;
}

export interface RehearsalRule {
  readonly name: string;
  readonly health?: 'ok' | 'err' | 'unknown';
}

export interface Prometheus {
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  readonly faults: Faults;
  /** Fires from now on; one alert of that name at a time. */
  setAlert(alert: RehearsalAlert): void;
  clearAlert(name: string): void;
  /** Series in use within any look-back. */
  setDeprecatedApis(apis: readonly RehearsalDeprecatedApi[]): void;
  /** What is scraped. None = a Prometheus that sees nothing. */
  setTargets(targets: readonly RehearsalTarget[]): void;
  /** The alerting rules that are loaded. */
  setRules(rules: readonly RehearsalRule[]): void;
  /** In every answer from now on, as Thanos and Mimir report missing data. */
  setWarnings(warnings: readonly string[]): void;
  close(): Promise<void>;
}

type Labels = Readonly<Record<string, string>>;

const API_SERVER_JOB = 'apiserver';

/** Prometheus' HTTP API as far as a gate asks it. It evaluates no PromQL: it knows the queries that the gate may ask. */
export async function startPrometheus(
  options: { readonly now?: () => Date; readonly port?: number } = {},
): Promise<Prometheus> {
  const now = options.now ?? (() => new Date());
  const alerts = new Map<string, RehearsalAlert & { readonly since: Date }>();
  let deprecated: readonly RehearsalDeprecatedApi[] = [];
  let warnings: readonly string[] = [];
  let targets: readonly RehearsalTarget[] = [
    { job: API_SERVER_JOB, instance: 'control-plane:6443' },
    { job: 'prometheus', instance: 'localhost:9090' },
  ];
  let rules: readonly RehearsalRule[] = [{ name: 'NodeDown' }];

  const labelsOf = ({ name, severity, labels }: RehearsalAlert): Labels => ({
    alertname: name,
    ...(severity === undefined ? {} : { severity }),
    ...labels,
  });
  const success = (data: unknown): ServiceAnswer =>
    json(200, { status: 'success', data, ...(warnings.length === 0 ? {} : { warnings }) });
  const samples = (series: readonly (readonly [Labels, string])[]): ServiceAnswer =>
    success({
      resultType: 'vector',
      result: series.map(([metric, value]) => ({ metric, value: [now().getTime() / 1000, value] })),
    });
  const vector = (series: readonly Labels[], value = '1'): ServiceAnswer =>
    samples(series.map((metric) => [metric, value]));
  const seconds = (time: Date): string => String(time.getTime() / 1000);

  /** What is known of the API servers that it scrapes; undefined for a query about something else. */
  const ofApiServers = (text: string): ServiceAnswer | undefined => {
    const known = targets.filter(({ job }) => job === API_SERVER_JOB);
    const labels = ({ job, instance }: RehearsalTarget): Labels => ({ job, instance });
    if (text.startsWith('count by (job, instance) (apiserver_request_total'))
      return vector(known.filter(({ up }) => up !== false).map(labels), '812');
    if (text.startsWith('min by (job, instance) (min_over_time(timestamp(apiserver_request_total')) {
      const [window = 0, step = 1] = (/\[(\d+)s:(\d+)s\]/.exec(text) ?? [])
        .slice(1)
        .map((digits) => Number(digits) * 1000);
      const start = new Date(now().getTime() - window);
      // Steps of a subquery stand at whole multiples: what is younger than the last one is in none.
      const last = Math.floor(now().getTime() / step) * step;
      const old = known.filter(({ since = start }) => since.getTime() <= last);
      return samples(old.map((one) => [labels(one), seconds(one.since ?? start)]));
    }
    if (text.startsWith('max by (job, instance) (process_start_time_seconds and on (job, instance)'))
      return samples(
        known.flatMap((one) => (one.startedAt === undefined ? [] : [[labels(one), seconds(one.startedAt)]])),
      );
    return undefined;
  };

  const evaluate = (query: string): ServiceAnswer => {
    const text = query.trim();
    if (text === '') return badQuery('unknown position: parse error: no expression found in input');
    if (!balanced(text)) return badQuery('1:1: parse error: unclosed left parenthesis');
    const scrapesApiServers = targets.some(({ job }) => job === API_SERVER_JOB);
    if (text === 'up') {
      return samples(
        targets.map(({ job, instance, up }) => [{ __name__: 'up', job, instance }, up === false ? '0' : '1']),
      );
    }
    if (text === 'count by (job) (up == 1)') {
      const up = Map.groupBy(
        targets.filter(({ up }) => up !== false),
        ({ job }) => job,
      );
      return samples([...up].map(([job, some]) => [{ job }, String(some.length)]));
    }
    const aboutApiServers = ofApiServers(text);
    if (aboutApiServers !== undefined) return aboutApiServers;
    if (text.includes('apiserver_requested_deprecated_apis')) {
      return vector(
        scrapesApiServers
          ? deprecated.map(({ removedRelease, ...api }) => ({ ...api, removed_release: removedRelease }))
          : [],
      );
    }
    if (text === 'count(apiserver_request_total)') return vector(scrapesApiServers ? [{}] : [], '1234');
    if (text.startsWith('ALERTS')) {
      const state = /alertstate="(\w+)"/.exec(text)?.[1];
      const found = [...alerts.values()].filter((alert) => state === undefined || (alert.state ?? 'firing') === state);
      return vector(
        found.map((alert) => ({ __name__: 'ALERTS', alertstate: alert.state ?? 'firing', ...labelsOf(alert) })),
      );
    }
    return vector([]);
  };

  const server = await startFaultyHttpServer({
    now,
    ...(options.port === undefined ? {} : { port: options.port }),
    handle(request) {
      switch (request.path) {
        case '/-/healthy':
          return { status: 200, body: 'Prometheus Server is Healthy.\n' };
        case '/-/ready':
          return { status: 200, body: 'Prometheus Server is Ready.\n' };
        case '/api/v1/query':
          return evaluate(queryOf(request));
        case '/api/v1/alerts':
          return success({
            alerts: [...alerts.values()].map((alert) => ({
              labels: labelsOf(alert),
              annotations: alert.summary === undefined ? {} : { summary: alert.summary },
              state: alert.state ?? 'firing',
              activeAt: alert.since.toISOString(),
              value: '1e+00',
            })),
          });
        case '/api/v1/rules':
          return success({
            groups: [
              {
                name: 'rehearsal',
                file: 'rules.yml',
                rules: rules.map(({ name, health = 'ok' }) => ({ name, type: 'alerting', health, alerts: [] })),
              },
            ],
          });
        default:
          return { status: 404, body: '404 page not found\n' };
      }
    },
  });
  return {
    url: server.url,
    requests: server.requests,
    faults: server.faults,
    setAlert: (alert) => void alerts.set(alert.name, { ...alert, since: alert.since ?? now() }),
    clearAlert: (name) => void alerts.delete(name),
    setDeprecatedApis(apis) {
      deprecated = apis;
    },
    setTargets(next) {
      targets = next;
    },
    setRules(next) {
      rules = next;
    },
    setWarnings(next) {
      warnings = next;
    },
    close: () => server.close(),
  };
}

function queryOf({ method, query, body }: ServiceRequest): string {
  return (method === 'POST' ? new URLSearchParams(body) : query).get('query') ?? '';
}

function balanced(text: string): boolean {
  let open = 0;
  for (const character of text) open += '([{'.includes(character) ? 1 : ')]}'.includes(character) ? -1 : 0;
  return open === 0;
}

function badQuery(error: string): ServiceAnswer {
  return json(400, { status: 'error', errorType: 'bad_data', error: `invalid parameter "query": ${error}` });
}

function json(status: number, value: unknown): ServiceAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
