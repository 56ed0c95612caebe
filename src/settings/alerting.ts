import { z } from 'zod';
import { notes, stringList } from './field.ts';

export const Alerting = z.strictObject({
  prometheusUrl: z
    .string()
    .default('')
    .meta(
      notes('Base URL of Prometheus; empty = none, which halts unless `required` is false.', {
        reason: 'There is no address that fits every cluster.',
      }),
    ),
  required: z
    .boolean()
    .default(true)
    .meta(notes('Halt when Prometheus cannot be asked.', { reason: 'Silence is not health (D01).' })),
  severities: stringList(
    ['critical'],
    'Alerts of these severities halt an upgrade.',
    'A warning alone should not stop security patches.',
  ),
  ignore: stringList(
    [],
    'Names (regular expressions, anchored) of alerts that never halt.',
    "Known noise; the chain's own alerts are always ignored (I21).",
  ),
  selfInflicted: stringList(
    ['RecentNodeReboot', 'KubeletDown', 'KubeNodeNotReady', 'KubeNodeUnreachable'],
    'Alerts ignored between two steps of one run, but not before its first change.',
    "A run's own restarts trip them (I04).",
  ),
  lookbackHours: z
    .number()
    .positive()
    .default(168)
    .meta(
      notes('How far back the use of deprecated APIs is looked for.', {
        unit: 'hours',
        reason: 'The metric forgets at every restart of an API server (D09).',
      }),
    ),
});
