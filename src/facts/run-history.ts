import { z } from 'zod';
import { type Inventory, NodeKind, type RunInventory } from './inventory.ts';
import { VersionText } from './node-fact.ts';

export const RUN_SCHEMA = 'nightlift.run/v1';
/** Of what `nightlift history -o json` writes, which other clusters go by. */
export const HISTORY_SCHEMA = 'nightlift.history/v1';

/** So many are kept, in places that are used in turn. */
export const RECORDS = 30;

/** Name of the ConfigMap at a place, from 1 on. */
export function recordName(place: number): string {
  return `k8s-upgrade-run-${String(place).padStart(2, '0')}`;
}

const Time = z.iso.datetime();
const FindingOfRun = z.object({
  check: z.string(),
  reason: z.string(),
  class: z.enum(['actionable', 'waiting', 'pinned']),
  severity: z.enum(['block', 'warn']),
  message: z.string(),
});

/** One link of the chain: what became of it, and what of its steps took a second or more. */
const StepOfRun = z.object({
  step: z.string().describe('preflight, master cp-1, worker worker-1, postflight'),
  startedAt: Time,
  endedAt: Time.nullable(),
  attempts: z.number().int().describe('pods that have begun it'),
  outcome: z.enum(['running', 'done', 'blocked', 'held', 'paused', 'failed']),
  why: z.string().nullable(),
  seconds: z.record(z.string(), z.number()).describe('by the name of a step of the phase, of its last attempt'),
});

const KindOfRun = NodeKind.extend({
  count: z.number().int().describe('how many nodes; `nodes` are the first of them'),
});

/** What is kept of a run for people, and for other clusters; nothing here decides what is done to a node. */
export const RunHistory = z.object({
  schema: z.literal(RUN_SCHEMA),
  id: z.string(),
  cluster: z.string().nullable().describe('clusterName of kubeadm-config; null: not known'),
  target: VersionText,
  from: VersionText.nullable().describe('the oldest kubelet when it was started; null: not known'),
  startedAt: Time,
  updatedAt: Time,
  endedAt: Time.nullable(),
  outcome: z.enum(['running', 'complete', 'blocked', 'held', 'paused', 'failed']),
  starts: z.array(
    z.object({
      at: Time,
      by: z.enum(['detector', 'person']),
      who: z.string().describe('the pod, or host and process'),
      resumed: z.boolean(),
    }),
  ),
  steps: z.array(StepOfRun),
  stepsLeftOut: z.number().int().describe('of those that were done first, for want of room'),
  findings: z.array(FindingOfRun).describe('of its start and its newest stop'),
  before: z.array(KindOfRun).nullable(),
  after: z.array(KindOfRun).nullable(),
  snapshot: z.object({ path: z.string(), bytes: z.number().nullable(), hash: z.string().nullable() }).nullable(),
  apiAwaySeconds: z.number().nullable(),
  messages: z.array(z.object({ at: Time, text: z.string() })).describe('first lines'),
});

export type RunHistory = z.infer<typeof RunHistory>;
export type StepOfRun = z.infer<typeof StepOfRun>;
type FindingOfRun = z.infer<typeof FindingOfRun>;

/** undefined for what is none: somebody else may have written it. */
export function parseRunHistory(text: string): RunHistory | undefined {
  try {
    return RunHistory.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export type Start = RunHistory['starts'][number];

/** Nothing that is known of a run but its target and its beginning. */
export function newRun(target: string, at: string): RunHistory {
  return {
    schema: RUN_SCHEMA,
    id: `${at.slice(0, 16).replaceAll(/[-:]/g, '').replace('T', '-')}-${target}`,
    cluster: null,
    target,
    from: null,
    startedAt: at,
    updatedAt: at,
    endedAt: null,
    outcome: 'running',
    starts: [],
    steps: [],
    stepsLeftOut: 0,
    findings: [],
    before: null,
    after: null,
    snapshot: null,
    apiAwaySeconds: null,
    messages: [],
  };
}

/** A run that was begun before goes on under its id. */
export function started(run: RunHistory, start: Omit<Start, 'resumed'>, from: string | null): RunHistory {
  return {
    ...run,
    from: run.from ?? from,
    outcome: 'running',
    starts: [...run.starts, { ...start, resumed: run.starts.length > 0 || run.steps.length > 0 }],
  };
}

export function stepBegun(run: RunHistory, step: string, at: string): RunHistory {
  const before = run.steps.find((one) => one.step === step);
  const begun: StepOfRun = {
    step,
    startedAt: before?.startedAt ?? at,
    endedAt: null,
    attempts: (before?.attempts ?? 0) + 1,
    outcome: 'running',
    why: null,
    seconds: {},
  };
  return { ...run, outcome: 'running', endedAt: null, steps: [...run.steps.filter((one) => one.step !== step), begun] };
}

export interface StepEnd {
  readonly at: string;
  readonly outcome: Exclude<StepOfRun['outcome'], 'running'>;
  readonly why: string | null;
  readonly seconds: Readonly<Record<string, number>>;
  readonly findings: readonly FindingOfRun[];
  readonly messages: readonly string[];
  /** What becomes of the run by a step that is done. */
  readonly run: 'running' | 'complete' | 'failed';
}

export function stepEnded(run: RunHistory, step: string, end: StepEnd): RunHistory {
  const { at, outcome, why, seconds, messages } = end;
  const ofRun = outcome === 'done' ? end.run : outcome;
  const steps = run.steps.map((one) =>
    one.step === step ? { ...one, endedAt: at, outcome, why, seconds: { ...seconds } } : one,
  );
  return {
    ...run,
    steps,
    outcome: ofRun,
    endedAt: ofRun === 'running' ? null : at,
    findings: end.findings.length === 0 ? run.findings : [...end.findings],
    messages: [...run.messages, ...messages.map((text) => ({ at, text }))],
  };
}

/** Of the record of the run on our namespace, which ends with the run or is overwritten by the next one. */
export function withInventory(run: RunHistory, { before, after }: RunInventory): RunHistory {
  const of = (inventory: Inventory | null): RunHistory['before'] =>
    inventory?.target === run.target ? inventory.kinds.map(shortKind) : null;
  return { ...run, before: of(before) ?? run.before, after: of(after) ?? run.after };
}

const MOST_NODES = 20;

function shortKind(kind: NodeKind): z.infer<typeof KindOfRun> {
  return { ...kind, nodes: kind.nodes.slice(0, MOST_NODES), count: kind.nodes.length };
}

const MOST = { starts: 20, findings: 20, messages: 20, characters: 300, kinds: 20 } as const;
/** An object of the API server has room for more; a step reads and writes it twice. */
const LONGEST_BYTES = 64_000;

/** As JSON that fits: texts and lists are cut, then what was done longest ago is only counted. */
export function runText(run: RunHistory): string {
  const short = (text: string): string => (text.length > MOST.characters ? `${text.slice(0, MOST.characters)}…` : text);
  const cut: RunHistory = {
    ...run,
    starts: run.starts.slice(-MOST.starts),
    findings: run.findings.slice(0, MOST.findings).map((one) => ({ ...one, message: short(one.message) })),
    before: run.before?.slice(0, MOST.kinds) ?? null,
    after: run.after?.slice(0, MOST.kinds) ?? null,
    messages: run.messages.slice(-MOST.messages).map(({ at, text }) => ({ at, text: short(text) })),
    steps: run.steps.map((one) => ({ ...one, why: one.why === null ? null : short(one.why) })),
  };
  let over = bytesOf(cut) - LONGEST_BYTES;
  // Done ones first, each list as old as it is.
  const isDone = ({ outcome }: StepOfRun): boolean => outcome === 'done';
  const inOrder = [...cut.steps.filter(isDone), ...cut.steps.filter((one) => !isDone(one))];
  const dropped = new Set<StepOfRun>();
  for (const step of inOrder) {
    if (over <= 0) break;
    dropped.add(step);
    over -= bytesOf(step);
  }
  const steps = cut.steps.filter((step) => !dropped.has(step));
  return JSON.stringify({ ...cut, steps, stepsLeftOut: cut.stepsLeftOut + dropped.size });
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
