import { formatDuration } from '../age.ts';
import type { FactPart } from '../facts/facts.ts';
import type { GateResult } from '../gate/finding.ts';
import { NOT_BEGUN } from '../observe/run-record.ts';
import { isSet, type Night, refusedAs, stoppedNote, unknownNight, type Verdict, verdict } from './night.ts';

const BLOCKED = (target: string): string => `🔴 BLOCKED (action needed) — ${target}`;
const HELD = (target: string): string => `⏸️ HELD — ${target} not yet upgradable`;

export function gated(night: Night): Verdict | undefined {
  const { gate, target, running } = night;
  // A stale gauge still names the target of the last run.
  if (target === null || (running.known && running.value.uniform === target)) return undefined;
  const earlier = earlierNote(night);
  if (gate?.verdict === 'blocked') return verdict('blocked', BLOCKED(target), ...earlier);
  if (gate?.verdict === 'held') return verdict('held', HELD(target), ...earlier);
  const notes = [...refusedNotes(night), ...earlier];
  const refused = refusedAs(night);
  if (refused === 'held') return verdict('held', HELD(target), ...notes);
  if (refused === 'blocked') return verdict('blocked', BLOCKED(target), ...notes);
  const stale = staleNight(night, target);
  if (stale !== undefined) return stale;
  if (gate === null) return unknownNight(`${target} was found, but the gate was not asked`);
  return verdict(
    'in-progress',
    `🟡 IN PROGRESS / gate passed for ${target}`,
    night.dryRun
      ? 'Nothing is running now, and no run starts it: the setting `dryRun` is on.'
      : 'Nothing is running now; the next run starts it.',
    ...notAskedNotes(gate),
    ...earlier,
  );
}

/** Without a detector there is no next run: its last word stands, and what it would say now is not known. */
function staleNight(night: Night, target: string): Verdict | undefined {
  const { detector, namespace } = night;
  if (detector.fresh || !detector.ageMs.known) return undefined;
  const since = formatDuration(detector.ageMs.value);
  const look = `See why it does not run: \`kubectl -n ${namespace} describe cronjob k8s-version-check\`.`;
  const lastWord = (['k8s_upgrade_held', 'k8s_upgrade_blocked'] as const).find((name) => isSet(night, name));
  if (lastWord === undefined)
    return unknownNight(`nobody starts ${target}: the detector has not run for ${since}`, look);
  const notes = [`So said the detector ${since} ago, and it has not run since. Asked just now, nothing refuses.`, look];
  return lastWord === 'k8s_upgrade_held'
    ? verdict('held', HELD(target), ...notes)
    : verdict('blocked', BLOCKED(target), ...notes);
}

/** The rest of what may be in the way, in words for breakfast. */
const WORDS: Partial<Record<FactPart, string>> = {
  surveys: 'what the nodes say of themselves',
  budgets: 'disruption budgets',
  permissions: 'its permissions',
};

function notAskedNotes({ notAsked }: GateResult): readonly string[] {
  const parts = [...new Set(notAsked.flatMap(({ missing }) => missing))].map((part) => WORDS[part] ?? part);
  return parts.length === 0 ? [] : [`Not asked here, but before its first change: ${parts.join(', ')}.`];
}

/** Preflight refuses for more than the gate does, and what it found may be gone by the morning. */
function refusedNotes(night: Night): readonly string[] {
  const { chain, namespace } = night;
  const log = chain.known ? chain.value.recent.findLast((job) => job.phase === 'preflight')?.name : undefined;
  const gone = 'The last run was refused for a reason that is not there now.';
  const note = stoppedNote(night);
  // What detection refused has no Job whose time the note could be held against; it writes it anew each night.
  const { run } = night.facts;
  const isOfDetection = run.known && run.value.stopped?.startsWith(NOT_BEGUN) === true;
  if (log === undefined) return [(isOfDetection ? note : undefined) ?? gone, 'The next run tries again.'];
  return [note ?? gone, `The next run tries again. The log: \`kubectl -n ${namespace} logs job/${log}\`.`];
}

/** A day can have an upgrade and a refusal after it. */
function earlierNote({ chain, running }: Night): readonly string[] {
  const uniform = running.known ? running.value.uniform : null;
  if (!chain.known || uniform === null || !chain.value.finished.includes(uniform)) return [];
  return [`Before that, all nodes went to ${uniform}.`];
}
