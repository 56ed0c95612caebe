import type { Facts, JobFact } from '../facts/facts.ts';
import type { TargetChoice } from '../facts/target-choice.ts';
import type { GateResult } from '../gate/finding.ts';
import type { Observed } from '../observed.ts';
import { type ChainState, stepOf } from './chain-state.ts';
import { type DetectorState, gaugeValue } from './detector.ts';
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
  readonly namespace: string;
}

/**
 * The first that fits, the worst first: nothing that went wrong, and nothing that is not known, may read as success or
 * as "no upgrade needed" (D23).
 */
export function judgeNight(night: Night): Verdict {
  return (
    paused(night) ??
    active(night) ??
    unreadable(night) ??
    failed(night) ??
    upgraded(night) ??
    gated(night) ??
    quiet(night)
  );
}

function verdict(outcome: ReportOutcome, headline: string, ...notes: readonly string[]): Verdict {
  return { outcome, headline, notes };
}

function unknownNight(what: string, ...notes: readonly string[]): Verdict {
  return verdict('unknown', `❔ UNKNOWN — ${what}`, ...notes);
}

/** A kill switch that cannot be read counts as engaged (D06). */
function paused({ facts, running }: Night): Verdict | undefined {
  const { killSwitch } = facts;
  if (killSwitch.known && !killSwitch.value.engaged) return undefined;
  const why = killSwitch.known
    ? killSwitch.value.reason || 'no reason given'
    : `the kill switch could not be read, which counts as engaged: ${killSwitch.why}`;
  const notes = ['Nothing starts and nothing goes on until `nightlift resume`.'];
  if (running.known && running.value.halfDone) notes.unshift(halfDoneNote(running.value));
  return verdict('paused', `🛑 PAUSED — ${why}`, ...notes);
}

function active({ chain }: Night): Verdict | undefined {
  const job = chain.known ? chain.value.active.at(-1) : undefined;
  if (job === undefined) return undefined;
  return verdict('in-progress', `🟡 IN PROGRESS / gate passed for ${job.target}`, `Running now: ${stepOf(job)}.`);
}

function unreadable({ chain, running }: Night): Verdict | undefined {
  if (!running.known) return unknownNight('the running versions could not be read', `${running.why}.`);
  if (!chain.known) return unknownNight('the chain Jobs could not be read', `${chain.why}.`);
  return undefined;
}

function failed(night: Night): Verdict | undefined {
  const { chain, running, namespace } = night;
  if (!chain.known || !running.known) return undefined;
  const job = chain.value.failed;
  const half = running.value.halfDone ? [halfDoneNote(running.value)] : [];
  const stopped = stoppedNote(night);
  if (job !== undefined) {
    return verdict(
      'failed',
      `🔴 FAILED — ${stepOf(job)} for ${job.target}`,
      ...half,
      ...(stopped === undefined ? [] : [stopped]),
      `Read why: \`kubectl -n ${namespace} logs job/${job.name}\`. The next run replaces the Job and goes on from there.`,
    );
  }
  if (running.value.halfDone && stopped !== undefined) {
    // It stopped by decision: nothing is broken, and somebody has to clear what it names.
    return verdict('blocked', `🔴 BLOCKED (action needed) — ${running.value.newestApiServer}`, ...half, stopped);
  }
  if (running.value.halfDone) {
    return verdict(
      'failed',
      `🔴 FAILED — half-done at ${running.value.newestApiServer}, and no chain Job is active`,
      ...half,
      'The next run goes on from there, unless the gate refuses it.',
    );
  }
  return abandoned(night, chain.value);
}

/**
 * The note has the clock of the node that ran the Job, the Job that of the API server; a preflight can refuse within seconds.
 * Less than the detector's clock is allowed: a run started by hand can stop minutes before the next one.
 */
const NOTE_BEFORE_JOB_MS = 30_000;

/** What the run wrote down when it stopped. A note from before its last Job is that of an earlier run. */
function stoppedNote({ facts, chain }: Night): string | undefined {
  const { stopped, stoppedAt } = facts.run.known ? facts.run.value : { stopped: null, stoppedAt: null };
  const last = chain.known ? chain.value.recent.at(-1) : undefined;
  if (stopped === null) return undefined;
  const isEarlier =
    stoppedAt !== null && last !== undefined && Date.parse(stoppedAt) < Date.parse(last.createdAt) - NOTE_BEFORE_JOB_MS;
  if (isEarlier) return undefined;
  return `The run stopped, ${stopped}${/[.!?…]$/.test(stopped) ? '' : '.'}`;
}

/** A run that began and whose last Job is gone: its latch is still set, or its postflight never completed. */
function abandoned(night: Night, chain: ChainState): Verdict | undefined {
  const { facts, windowHours } = night;
  if (chain.unfinished !== undefined) {
    return verdict(
      'failed',
      `🔴 FAILED — postflight for ${chain.unfinished} did not complete`,
      'The nodes were upgraded, but nobody has checked the cluster after it and closed the run.',
    );
  }
  const latch = gaugeValue(facts, 'k8s_upgrade_in_flight');
  if (!latch.known || latch.value !== 1 || chain.finished.length > 0) return undefined;
  const started = gaugeValue(facts, 'k8s_upgrade_started_timestamp');
  const since = started.known && started.value !== undefined ? Date.parse(facts.observedAt) - started.value * 1000 : 0;
  // An older latch is a leaked one, which the next detection clears (I21).
  if (since > windowHours * 3_600_000) return undefined;
  // A run that refused has stopped by decision: that is what the headline says.
  if (isOn(night, 'k8s_upgrade_blocked') || isOn(night, 'k8s_upgrade_held')) return undefined;
  return verdict(
    'failed',
    '🔴 FAILED — the run stopped: it is marked in flight, and no chain Job is active',
    'Nothing is half-done. The next detection clears the mark or goes on.',
  );
}

function halfDoneNote(running: Running): string {
  const still = running.nodes - running.nodesOnNewest;
  return `Half-done: ${running.nodesOnNewest} of ${running.nodes} nodes on ${running.newestApiServer}, ${still === 0 ? 'and an API server' : still} still on older versions.`;
}

function upgraded({ chain, running, detector, target }: Night): Verdict | undefined {
  if (!chain.known || !running.known || running.value.uniform === null) return undefined;
  const { uniform } = running.value;
  // The last word of the day is that of the run that came after it.
  if (preflightAfter(chain.value, uniform)?.target === target) return undefined;
  const detected = detector.fresh && detector.detected.known && detector.detected.value.target === uniform;
  if (!detected && !chain.value.finished.includes(uniform)) return undefined;
  return verdict('upgraded', `🟢 UPGRADED — all nodes now on ${uniform}`);
}

/** The run that began after this version was reached and ended before its first change. */
function preflightAfter(chain: ChainState, version: string): JobFact | undefined {
  const last = chain.recent.at(-1);
  return last?.phase === 'preflight' && last.status === 'complete' && last.target !== version ? last : undefined;
}

/** A gauge of the last night; a stale one says nothing. */
function isOn({ facts, detector }: Night, name: string): boolean {
  const value = gaugeValue(facts, name);
  return detector.fresh && value.known && value.value === 1;
}

const BLOCKED = (target: string): string => `🔴 BLOCKED (action needed) — ${target}`;
const HELD = (target: string): string => `⏸️ HELD — ${target} not yet upgradable`;

function gated(night: Night): Verdict | undefined {
  const { gate, target, running } = night;
  // A stale gauge still names the target of the last run.
  if (target === null || (running.known && running.value.uniform === target)) return undefined;
  const earlier = earlierNote(night);
  if (gate?.verdict === 'blocked') return verdict('blocked', BLOCKED(target), ...earlier);
  if (gate?.verdict === 'held') return verdict('held', HELD(target), ...earlier);
  const notes = [...refusedNotes(night), ...earlier];
  if (isOn(night, 'k8s_upgrade_held')) return verdict('held', HELD(target), ...notes);
  if (isOn(night, 'k8s_upgrade_blocked')) return verdict('blocked', BLOCKED(target), ...notes);
  if (gate === null) return unknownNight(`${target} was found, but the gate was not asked`);
  return verdict(
    'in-progress',
    `🟡 IN PROGRESS / gate passed for ${target}`,
    'Nothing is running now; the next run starts it.',
    ...earlier,
  );
}

/** Preflight refuses for more than the gate does, and what it found may be gone by the morning. */
function refusedNotes(night: Night): readonly string[] {
  const { chain, namespace } = night;
  const log = chain.known ? chain.value.recent.findLast((job) => job.phase === 'preflight')?.name : undefined;
  const gone = 'The last run was refused for a reason that is not there now.';
  if (log === undefined) return [gone, 'The next run tries again.'];
  return [
    stoppedNote(night) ?? gone,
    `The next run tries again. The log: \`kubectl -n ${namespace} logs job/${log}\`.`,
  ];
}

/** A day can have an upgrade and a refusal after it. */
function earlierNote({ chain, running }: Night): readonly string[] {
  const uniform = running.known ? running.value.uniform : null;
  if (!chain.known || uniform === null || !chain.value.finished.includes(uniform)) return [];
  return [`Before that, all nodes went to ${uniform}.`];
}

function quiet({ choice, detector, namespace }: Night): Verdict {
  if (!detector.detected.known && !detector.ageMs.known) {
    const live =
      choice.kind === 'none'
        ? ['A look just now found nothing newer.']
        : choice.why === ''
          ? []
          : [`A look just now found nothing out: ${choice.why}.`];
    return unknownNight('what the last run found cannot be read', `${detector.ageMs.why}.`, ...live);
  }
  if (choice.kind === 'none') return verdict('nothing', '⚪ No upgrade needed');
  if (detector.fresh && detector.detected.known && detector.detected.value.target === null)
    return verdict('nothing', '⚪ No upgrade needed');
  return unknownNight(
    'nobody could find out whether there is a new version',
    choice.why === ''
      ? `Read why: \`kubectl -n ${namespace} logs -l app=k8s-version-upgrade --tail=-1 | grep -E 'could not read|looked for'\`.`
      : `${choice.why}.`,
  );
}
