import { type Family, labelKey, parseExposition, type Series, writeExposition } from './exposition.ts';
import type { Faults } from './fault.ts';
import {
  type RecordedRequest,
  type ServiceAnswer,
  type ServiceRequest,
  startFaultyHttpServer,
} from './faulty-http-server.ts';

export interface RecordedPush {
  readonly at: Date;
  readonly method: 'PUT' | 'POST' | 'DELETE';
  /** Labels of the group, job among them. */
  readonly group: Readonly<Record<string, string>>;
  /** What it said, series by series. */
  readonly metrics: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

export interface Pushgateway {
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  readonly faults: Faults;
  /** Every accepted push and deletion, in order. */
  readonly history: readonly RecordedPush[];
  /** The value now; undefined when there is no such series. */
  value(job: string, name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  close(): Promise<void>;
}

interface Group {
  readonly labels: Readonly<Record<string, string>>;
  readonly families: Map<string, Family>;
  pushedAt: Date;
  failedAt: Date | undefined;
}

/** The Pushgateway's semantics of groups: PUT replaces one, POST merges by name, DELETE needs the exact labels (kubeadm-facts F). */
export async function startPushgateway(
  options: { readonly now?: () => Date; readonly port?: number } = {},
): Promise<Pushgateway> {
  const now = options.now ?? (() => new Date());
  const groups = new Map<string, Group>();
  const history: RecordedPush[] = [];

  const push = (labels: Readonly<Record<string, string>>, request: ServiceRequest): ServiceAnswer => {
    const key = labelKey(labels);
    const { method } = request;
    if (method === 'DELETE') {
      groups.delete(key);
      history.push({ at: now(), method, group: labels, metrics: [] });
      return { status: 202 };
    }
    const group = groups.get(key) ?? {
      labels,
      families: new Map<string, Family>(),
      pushedAt: new Date(0),
      failedAt: undefined,
    };
    groups.set(key, group);
    try {
      const pushed = parseExposition(request.body);
      checkTypes(
        pushed,
        [...groups].filter(([other]) => other !== key).map(([, other]) => other),
      );
      if (method === 'PUT') group.families.clear();
      // The labels of the group win over those in the body.
      for (const [name, family] of pushed) {
        group.families.set(name, {
          ...family,
          series: family.series.map((one) => ({ ...one, labels: { instance: '', ...one.labels, ...labels } })),
        });
      }
      group.pushedAt = now();
      history.push({
        at: now(),
        method: method === 'PUT' ? 'PUT' : 'POST',
        group: labels,
        metrics: [...pushed].flatMap(([name, { series }]) =>
          series.map((one) => ({ name, labels: one.labels, value: Number(one.value) })),
        ),
      });
      return { status: 200 };
    } catch (error) {
      group.failedAt = now();
      return { status: 400, body: `${error instanceof Error ? error.message : String(error)}\n` };
    }
  };

  const families = (): Map<string, Family> => {
    const all = new Map<string, Family & { series: Series[] }>();
    for (const group of groups.values()) {
      for (const [name, family] of [...group.families, ...ownFamilies(group)]) {
        const known = all.get(name);
        if (known === undefined) all.set(name, { ...family, series: [...family.series] });
        else known.series.push(...family.series);
      }
    }
    return all;
  };

  const server = await startFaultyHttpServer({
    now,
    ...(options.port === undefined ? {} : { port: options.port }),
    handle(request) {
      if (request.path === '/-/healthy' || request.path === '/-/ready') return { status: 200, body: 'OK' };
      if (request.method === 'GET' && request.path === '/metrics')
        return { status: 200, body: writeExposition(families()) };
      if (request.method === 'GET' && request.path === '/api/v1/metrics') return apiMetrics([...groups.values()]);
      const labels = ['PUT', 'POST', 'DELETE'].includes(request.method) ? groupLabels(request.rawPath) : undefined;
      return labels === undefined ? { status: 404, body: '404 page not found\n' } : push(labels, request);
    },
  });
  return {
    url: server.url,
    requests: server.requests,
    faults: server.faults,
    history,
    value(job, name, labels = {}) {
      const series = groups.get(labelKey({ job }))?.families.get(name)?.series ?? [];
      const found = series.find((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value));
      return found === undefined ? undefined : Number(found.value);
    },
    close: () => server.close(),
  };
}

/** '/metrics/job/x/node/y'; undefined for any other path. A name that ends in '@base64' has an encoded value. */
function groupLabels(rawPath: string): Record<string, string> | undefined {
  const [, metrics, ...parts] = rawPath.split('/');
  if (metrics !== 'metrics' || parts.length < 2 || parts.length % 2 !== 0) return undefined;
  const labels: Record<string, string> = {};
  for (let at = 0; at < parts.length; at += 2) {
    const name = decodeURIComponent(parts[at] ?? '');
    const value = decodeURIComponent(parts[at + 1] ?? '');
    const isEncoded = name.endsWith('@base64');
    labels[name.replace(/@base64$/, '')] = isEncoded ? Buffer.from(value, 'base64url').toString('utf8') : value;
  }
  const [first = ''] = Object.keys(labels);
  return first === 'job' && labels['job'] !== '' ? labels : undefined;
}

function checkTypes(pushed: ReadonlyMap<string, Family>, others: readonly Group[]): void {
  for (const [name, { type }] of pushed) {
    const other = others.find(({ families }) => families.has(name) && families.get(name)?.type !== type);
    if (other !== undefined) {
      throw new Error(
        `gathered metric family ${name} has type ${other.families.get(name)?.type} but is pushed as ${type}`,
      );
    }
  }
}

function ownFamilies({ labels, pushedAt, failedAt }: Group): [string, Family][] {
  const gauge = (help: string, at: Date | undefined): Family => ({
    type: 'gauge',
    help,
    series: [{ labels: { instance: '', ...labels }, value: String((at?.getTime() ?? 0) / 1000) }],
  });
  return [
    ['push_time_seconds', gauge('Last Unix time when changing this group in the Pushgateway succeeded.', pushedAt)],
    [
      'push_failure_time_seconds',
      gauge('Last Unix time when changing this group in the Pushgateway failed.', failedAt),
    ],
  ];
}

function apiMetrics(groups: readonly Group[]): ServiceAnswer {
  const data = groups.map((group) => {
    const entries = [...ownFamilies(group), ...group.families].map(([name, { type, help, series }]) => [
      name,
      { time_stamp: group.pushedAt.toISOString(), type: type.toUpperCase(), help, metrics: series },
    ]);
    return {
      labels: group.labels,
      last_push_successful: group.failedAt === undefined || group.failedAt <= group.pushedAt,
      ...(Object.fromEntries(entries) as Record<string, unknown>),
    };
  });
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'success', data }),
  };
}
