import { formatDuration } from '../age.ts';
import type { Facts, JobFact } from '../facts/facts.ts';
import { runningVersions } from '../facts/running-versions.ts';
import type { TargetChoice } from '../facts/target-choice.ts';
import type { GateResult } from '../gate/finding.ts';
import { findingSections } from '../gate/finding-sections.ts';
import { type Bold, bold, type Line, type Section, type SlackMessage, slackMessage } from '../notify/slack-message.ts';
import { known, type Observed } from '../observed.ts';
import type { Limits } from '../settings/limits.ts';
import type { Window } from '../settings/window.ts';
import { sayWindow } from '../settings/window-at.ts';
import { someOf } from '../some-of.ts';
import { compareVersions } from '../version.ts';
import { type ChainState, chainState } from './chain-state.ts';
import { type Detected, type DetectorState, detectedTarget, detectorState } from './detector.ts';
import { inventoryNotes } from './inventory-notes.ts';
import { endingOf, endingText, type JobEnding } from './job-ending.ts';
import { judgeNight } from './judge-night.ts';
import { limitNotes } from './limit-notes.ts';
import { markNotes } from './mark-notes.ts';
import { type ReportOutcome } from './night.ts';
import { describeRunning, kubeletsByVersion, type Running } from './running.ts';

export interface ReportDecision {
  /** A live look-up; `unknown` is fine for an account that cannot ask apt. */
  readonly choice: TargetChoice;
  /** The gate's live answer for `reportTarget(facts, choice)`; null when there is no target. */
  readonly gate: GateResult | null;
}

/** For who did not look: what the detector recorded speaks then. */
export const NOT_LOOKED: TargetChoice = { kind: 'unknown', why: '' };

export interface ReportOptions {
  /** A detector that has not run for longer is stale. */
  readonly staleHours?: number;
  /** Chain Jobs of the last hours are listed. */
  readonly jobHours?: number;
  readonly namespace?: string;
  /** Of whoever reports; absent: nobody knows, and what changed is not told. */
  readonly limits?: Limits;
  /** When a run may act; none = always. */
  readonly window?: Window | null;
}

export interface Report extends SlackMessage {
  readonly outcome: ReportOutcome;
}

/** The nightly report: one message that a person understands at breakfast. */
export function composeReport(facts: Facts, decision: ReportDecision, options: ReportOptions = {}): Report {
  const { staleHours = 25, jobHours = 26, namespace = 'k8s-upgrade' } = options;
  const detector = detectorState(facts, staleHours);
  const running = describeRunning(facts);
  const chain: Observed<ChainState> = facts.chainJobs.known
    ? known(chainState(facts.chainJobs.value, facts, jobHours, running.known && running.value.halfDone))
    : facts.chainJobs;
  const target = decision.gate?.target ?? reportTarget(facts, decision.choice);
  const now = options.limits ?? (facts.limits.known ? facts.limits.value?.values : undefined);
  const night = judgeNight({
    ...decision,
    target,
    facts,
    detector,
    chain,
    running,
    windowHours: jobHours,
    namespace,
    dryRun: now?.['dryRun'] === 'true',
  });
  const sections: Section[] = [
    [[bold(`${warningOf(detector)}${night.headline}`)]],
    night.notes.map(capitalized),
    [
      runningLine(facts, running),
      ...leftOut(facts),
      detectorLine(detector),
      targetLine(decision.choice, detector, running),
      ...windowLine(facts, options.window ?? null),
    ],
    ...gateSections(night.outcome, decision.gate),
    ...(options.limits === undefined ? [] : limitNotes(facts, options.limits, jobHours)),
    markNotes(facts),
    inventoryNotes(facts, jobHours),
    jobLines(chain, facts, jobHours),
  ];
  return { outcome: night.outcome, ...slackMessage(sections, '`nightlift report --dry-run` shows all of it') };
}

/**
 * The reasons of the gate. After an upgrade they are those of what comes next, and only a refusal is worth a line.
 */
function gateSections(outcome: ReportOutcome, gate: GateResult | null): readonly Section[] {
  if (gate === null || outcome === 'nothing') return [];
  if (outcome !== 'upgraded') return findingSections(gate.findings);
  if (gate.verdict === 'safe') return [];
  return [[[bold(`Next: ${gate.target} is ${gate.verdict}`)]], ...findingSections(gate.findings)];
}

/**
 * The target that the report runs the gate for: what a live look-up finds, else what the detector found. A gauge outlives
 * its night: what is not above what runs is no target.
 */
export function reportTarget(facts: Facts, choice: TargetChoice): string | null {
  if (choice.kind === 'target') return choice.version;
  if (choice.kind === 'none') return null;
  const detected = detectedTarget(facts);
  const target = detected.known ? detected.value.target : null;
  return target === null || isOvertaken(target, runningVersions(facts)) ? null : target;
}

function isOvertaken(target: string, running: Observed<{ readonly oldest: string }>): boolean {
  return running.known && compareVersions(target, running.value.oldest) <= 0;
}

function warningOf({ fresh, ageMs }: DetectorState): string {
  if (fresh) return '';
  return ageMs.known ? '⚠️ Detector did not run last night — ' : '⚠️ It is not known whether the detector ran — ';
}

/** What a terminal shows for a Slack message: emoji stay, bold marks go, entities become characters. */
export function plainReport(text: string): string {
  return text
    .replaceAll(/(?<=^|[\s(])\*(?=\S)([^*\n]*\S)\*(?=$|[\s),.:;])/gm, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function windowLine({ observedAt }: Facts, window: Window | null): readonly string[] {
  return window === null ? [] : [`Window: ${sayWindow(window, new Date(observedAt))}`];
}

/** At most one line: who wants all of them has `nightlift plan`. */
function leftOut({ otherNodes }: Facts): readonly string[] {
  if (!otherNodes.known || otherNodes.value.length === 0) return [];
  const named = otherNodes.value.map(({ name, why }) => `${name} (${why})`);
  return [`Left out: ${someOf(named, 5)}`];
}

function runningLine(facts: Facts, running: Observed<Running>): Line {
  if (!running.known) {
    const kubelets =
      facts.nodes.known && facts.nodes.value.length > 0 ? `; kubelets: ${kubeletsByVersion(facts.nodes.value)}` : '';
    return `Running: unknown: ${running.why}${kubelets}`;
  }
  const { uniform, nodes, oldestApiServer, newestApiServer } = running.value;
  if (uniform !== null) return ['Running: ', bold(uniform), ` (all ${nodes} nodes uniform)`];
  const apiServers =
    oldestApiServer === newestApiServer
      ? `API server ${newestApiServer}`
      : `API servers ${oldestApiServer} to ${newestApiServer}`;
  const kubelets = facts.nodes.known ? kubeletsByVersion(facts.nodes.value) : 'unknown';
  return ['Running: ', bold('MIXED'), ` (${apiServers}; kubelets: ${kubelets})`];
}

function detectorLine(detector: DetectorState): string {
  if (!detector.ageMs.known) return `Detector: last run unknown ⚠️ (${detector.ageMs.why})`;
  return `Detector: last ran ${formatDuration(detector.ageMs.value)} ago, ${detector.fresh ? 'fresh ✓' : 'STALE ⚠️'}`;
}

function targetLine(choice: TargetChoice, detector: DetectorState, running: Observed<Running>): Line {
  const { detected } = detector;
  const byDetector = detected.known ? detectedWords(detected.value, running) : ['unknown'];
  const title = 'Detected target: ';
  if (choice.kind === 'unknown') {
    if (detected.known && choice.why === NOT_LOOKED.why) return [title, ...byDetector];
    const why = detected.known ? `a look just now failed: ${choice.why}` : detected.why;
    return [title, ...byDetector, ` (${why})`];
  }
  const live = choice.kind === 'target' ? choice.version : null;
  const found = choice.kind === 'target' ? named(choice.version, choice.jump) : ['nothing newer'];
  if (!detected.known) return [title, 'unknown; found now: ', ...found];
  if (detected.value.target === live) return [title, ...byDetector];
  return [title, ...byDetector, '; found now: ', ...found];
}

function detectedWords({ target, kind }: Detected, running: Observed<Running>): readonly (string | Bold)[] {
  const isOld = target !== null && isOvertaken(target, running) && !(running.known && running.value.uniform === target);
  return [...named(target, kind), ...(isOld ? [', which is not above what runs'] : [])];
}

function named(target: string | null, kind: string): readonly (string | Bold)[] {
  return target === null ? ['none'] : [bold(target), kind === '' ? '' : ` (${kind})`];
}

const MARKS = { active: '🔄', complete: '✅', failed: '❌', deleting: '🗑️' } as const;
const ENDING_MARKS = { blocked: '🔴', held: '⏸️', paused: '🛑', unsaid: '⏹️' } as const;

function jobLines(chain: Observed<ChainState>, facts: Facts, hours: number): Section {
  const title = `Chain Jobs of the last ${hours} h:`;
  if (!chain.known) return [`${title} unknown (${chain.why})`];
  if (chain.value.recent.length === 0) return [`${title} none`];
  const all = facts.chainJobs.known ? facts.chainJobs.value : [];
  return [title, ...chain.value.recent.map((job) => `• ${jobLine(job, facts, endingOf(job, all, facts.run))}`)];
}

function jobLine(job: JobFact, facts: Facts, ending: JobEnding | undefined): string {
  const ago = formatDuration(Date.parse(facts.observedAt) - Date.parse(job.finishedAt ?? job.createdAt));
  const reason = job.status === 'failed' && job.reason !== '' ? ` (${job.reason})` : '';
  if (ending !== undefined) return `${ENDING_MARKS[ending.as]} ${job.name}: ${endingText(ending)}, ${ago} ago`;
  const status = job.status === 'active' ? `active, started ${ago} ago` : `${job.status}${reason}, ${ago} ago`;
  return `${MARKS[job.status]} ${job.name}: ${status}`;
}
