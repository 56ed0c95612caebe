import { z } from 'zod';
import { NightliftError } from '../errors.ts';
import type { AlertFact } from '../facts/facts.ts';
import { describeBody } from '../http/describe-body.ts';

/** What came back from Prometheus, and from where, without passwords. */
export interface PrometheusAnswer {
  readonly where: string;
  readonly status: number;
  readonly body: string;
}

const Labels = z.record(z.string(), z.string());

const Failure = z.object({
  status: z.literal('error'),
  errorType: z.string().default(''),
  error: z.string().default(''),
});

const Success = z.object({
  status: z.literal('success'),
  // Thanos and Mimir answer 200 with warnings when a part of the data is missing; VictoriaMetrics says isPartial.
  warnings: z.array(z.string()).default([]),
  // What an evaluation has left out, such as samples that are histograms.
  infos: z.array(z.string()).default([]),
  isPartial: z.boolean().default(false),
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

/** Recording rules are left out of an answer to ?type=alert, by those that heed it. */
const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(z.object({ name: z.string(), type: z.string(), health: z.string().default('unknown') })),
    }),
  ),
});

const Vector = z.object({
  resultType: z.literal('vector'),
  result: z.array(z.object({ metric: Labels, value: z.tuple([z.number(), z.string()]) })),
});

const Matrix = z.object({
  resultType: z.literal('matrix'),
  result: z.array(z.object({ metric: Labels, values: z.array(z.tuple([z.number(), z.string()])) })),
});

export type Series = z.infer<typeof Matrix>['result'][number];

export interface AlertingRule {
  readonly name: string;
  /** ok, err, or unknown: not evaluated yet. */
  readonly health: string;
}

export type Sample = z.infer<typeof Vector>['result'][number];

/** Answer of /api/v1/alerts. Pure. @throws NightliftError (network) for every answer that is not a full one. */
export function alertsIn(answer: PrometheusAnswer): readonly AlertFact[] {
  return dataOf(answer, ActiveAlerts).alerts.map(alertFact);
}

/** Answer of /api/v1/rules. Pure. @throws as above. */
export function rulesIn(answer: PrometheusAnswer): readonly AlertingRule[] {
  const rules = dataOf(answer, Rules).groups.flatMap((group) => group.rules);
  return rules.filter(({ type }) => type === 'alerting').map(({ name, health }) => ({ name, health }));
}

/** Answer of /api/v1/query for an instant vector. Pure. @throws as above. */
export function samplesIn(answer: PrometheusAnswer): readonly Sample[] {
  return dataOf(answer, Vector).result;
}

/** Answer of /api/v1/query_range. Pure. @throws as above. */
export function matrixIn(answer: PrometheusAnswer): readonly Series[] {
  return dataOf(answer, Matrix).result;
}

function dataOf<S extends z.ZodType>({ where, status, body }: PrometheusAnswer, schema: S): z.infer<S> {
  const value = parseJson(body);
  const failure = Failure.safeParse(value);
  if (failure.success) throw notAnAnswer(where, `it failed: ${failure.data.errorType}: ${failure.data.error}`);
  if (status !== 200 || value === undefined) throw notAnAnswer(where, `HTTP ${status} with ${describeBody(body)}`);
  const success = Success.safeParse(value);
  if (!success.success) throw notAnAnswer(where, `the answer is not one of Prometheus: ${describeBody(body)}`);
  const { warnings, infos, isPartial } = success.data;
  const lacks = [...warnings, ...infos, ...(isPartial ? ['it says isPartial'] : [])];
  if (lacks.length > 0) throw notAnAnswer(where, `the answer is incomplete: ${lacks.join('; ')}`);
  const data = schema.safeParse(success.data.data);
  if (data.success) return data.data;
  const issue = data.error.issues[0];
  throw notAnAnswer(where, `data.${issue?.path.join('.') ?? ''} is not as expected: ${issue?.message ?? ''}`);
}

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

/** An alert as the series ALERTS has it. */
export function alertOfSeries({ metric }: Sample): AlertFact {
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

export function notAnAnswer(where: string, problem: string, details: { remedy?: string } = {}): NightliftError {
  return new NightliftError('network', `asking Prometheus at ${where}: ${problem}`, {
    remedy: details.remedy ?? 'Check alerting.prometheusUrl; nothing goes on until Prometheus gives a full answer.',
  });
}
