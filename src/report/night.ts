import type { Facts } from '../facts/facts.ts';
import type { TargetChoice } from '../facts/target-choice.ts';
import type { GateResult } from '../gate/finding.ts';
import type { Observed } from '../observed.ts';
import type { ChainState } from './chain-state.ts';
import { type DetectorState, gaugeValue } from './detector.ts';
import { NOTE_BEFORE_JOB_MS } from './job-ending.ts';
import type { Running } from './running.ts';

export type ReportOutcome =
  | 'nothing'
  | 'blocked'
  | 'held'
  | 'upgraded'
  | 'in-progress'
  | 'failed'
  | 'paused'
  | 'unknown';

/** What the night came to, and the line that says it. `notes` are whole sentences that explain the headline. */
export interface Verdict {
  readonly outcome: ReportOutcome;
  readonly headline: string;
  readonly notes: readonly string[];
}

export interface Night {
  readonly facts: Facts;
  readonly choice: TargetChoice;
  readonly gate: GateResult | null;
  /** What the gate was or should have been asked for. */
  readonly target: string | null;
  readonly detector: DetectorState;
  readonly chain: Observed<ChainState>;
  readonly running: Observed<Running>;
  readonly windowHours: number;
  /** Nothing is started, whatever the gate says. */
  readonly dryRun: boolean;
  readonly namespace: string;
}

export function verdict(outcome: ReportOutcome, headline: string, ...notes: readonly string[]): Verdict {
  return { outcome, headline, notes };
}

export function unknownNight(what: string, ...notes: readonly string[]): Verdict {
  return verdict('unknown', `❔ UNKNOWN — ${what}`, ...notes);
}

export function halfDoneNote(running: Running): string {
  const still = running.nodes - running.nodesOnNewest;
  return `Half-done: ${running.nodesOnNewest} of ${running.nodes} nodes on ${running.newestApiServer}, ${still === 0 ? 'and an API server' : still} still on older versions.`;
}

/** What the run wrote down when it stopped. A note from before its last Job is that of an earlier run. */
export function stoppedNote({ facts, chain }: Night): string | undefined {
  const { stopped, stoppedAt } = facts.run.known ? facts.run.value : { stopped: null, stoppedAt: null };
  const last = chain.known ? chain.value.recent.at(-1) : undefined;
  if (stopped === null) return undefined;
  const isEarlier =
    stoppedAt !== null && last !== undefined && Date.parse(stoppedAt) < Date.parse(last.createdAt) - NOTE_BEFORE_JOB_MS;
  if (isEarlier) return undefined;
  return `The run stopped, ${stopped}${/[.!?…]$/.test(stopped) ? '' : '.'}`;
}

/** What last night was refused as: by the record of the detection or of the run, else by the gauges of an older version. */
export function refusedAs(night: Night): 'blocked' | 'held' | undefined {
  const { facts, detector } = night;
  const { fresh, look } = detector;
  if (fresh && look?.outcome === 'refused' && look.verdict !== null) return look.verdict;
  const as = facts.run.known && stoppedNote(night) !== undefined ? facts.run.value.stoppedAs : undefined;
  if (as === 'blocked' || as === 'held') return as;
  if (isOn(night, 'k8s_upgrade_held')) return 'held';
  return isOn(night, 'k8s_upgrade_blocked') ? 'blocked' : undefined;
}

/** A gauge that says 1, however old it is. */
export function isSet({ facts }: Night, name: string): boolean {
  const value = gaugeValue(facts, name);
  return value.known && value.value === 1;
}

/** A gauge of the last night; a stale one says nothing. */
export function isOn(night: Night, name: string): boolean {
  return night.detector.fresh && isSet(night, name);
}

/** What comes after a failure, as far as the gate says it now. */
export function nextRunNote({ gate }: Night, goesOn: string): string {
  if (gate === null) return `${goesOn}, unless the gate refuses it.`;
  if (gate.verdict === 'safe') return `${goesOn}.`;
  return `The next run does not go on: the gate refuses ${gate.target}, for what is named below.`;
}
