import type { JobView, NodeView } from './cluster-view.ts';
import type { LogLine } from './pod-log-lines.ts';

export type NightOutcome = 'upgraded' | 'nothing' | 'blocked' | 'held' | 'paused' | 'halted' | 'failed' | 'unknown';

export interface Refusal {
  readonly check: string;
  readonly reason: string;
  readonly class: string;
  readonly message: string;
}

/** What the Jobs refused for, each once, from their logs. */
export function refusalsOf(lines: readonly LogLine[]): readonly Refusal[] {
  const found = new Map<string, Refusal>();
  for (const { message, fields } of lines) {
    const { check, reason, class: kind, severity } = fields;
    if (typeof check !== 'string' || typeof reason !== 'string' || severity !== 'block') continue;
    found.set(`${check} ${message}`, { check, reason, class: String(kind), message });
  }
  return [...found.values()];
}

export interface NightFacts {
  readonly lines: readonly LogLine[];
  readonly nodes: readonly NodeView[];
  readonly jobs: readonly JobView[];
  readonly target: string | null;
}

/** How a night ended: what the cluster shows goes before what anybody said. */
export function outcomeOf({ lines, nodes, jobs, target }: NightFacts): NightOutcome {
  const check = lastField(lines, 'check ends', 'outcome');
  const refused = (): NightOutcome =>
    refusalsOf(lines).every((one) => one.class === 'actionable') ? 'blocked' : 'held';
  switch (check) {
    case 'paused':
    case 'unknown':
    case 'nothing':
      return check;
    case 'refused':
      return refused();
    default:
  }
  const chain = jobs.filter(({ phase }) => ['preflight', 'master', 'worker', 'postflight'].includes(phase));
  if (chain.some(({ status }) => status === 'failed')) return 'failed';
  const postflight = chain.find(({ phase }) => phase === 'postflight');
  if (postflight?.status === 'complete' && nodes.every(({ version }) => version === target)) return 'upgraded';
  switch (lastField(lines, 'phase ends', 'outcome')) {
    case 'paused':
      return 'paused';
    case 'refused':
      return chain.length <= 1 ? refused() : 'halted';
    default:
      return 'unknown';
  }
}

/** The version that the detector or the chain went for; null when there was none. */
export function targetOf(lines: readonly LogLine[]): string | null {
  for (const { message, fields } of lines.toReversed()) {
    const { target, found } = fields;
    if (typeof target === 'string' && /^\d+\.\d+\.\d+$/.test(target)) return target;
    if (message === 'looked for a new version' && /^\d+\.\d+\.\d+$/.test(String(found))) return String(found);
  }
  return null;
}

function lastField(lines: readonly LogLine[], message: string, field: string): unknown {
  return lines.findLast((line) => line.message === message)?.fields[field];
}
