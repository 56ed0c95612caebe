import { formatDuration } from '../age.ts';
import type { Facts, JobFact } from '../facts/facts.ts';
import { WITHOUT_DRAIN_RISK } from '../gate/drain-rule.ts';
import type { ChainState } from './chain-state.ts';
import { failed } from './failed-night.ts';
import { gated } from './gated-night.ts';
import { stepOf } from './job-ending.ts';
import { halfDoneNote, type Night, unknownNight, type Verdict, verdict } from './night.ts';

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

function active({ chain, facts, windowHours, namespace }: Night): Verdict | undefined {
  const job = chain.known ? chain.value.active.at(-1) : undefined;
  if (job === undefined) return undefined;
  const age = Date.parse(facts.observedAt) - Date.parse(job.createdAt);
  if (age > windowHours * 3_600_000)
    return verdict(
      'failed',
      `🔴 FAILED — ${stepOf(job)} for ${job.target} has not ended for ${formatDuration(age)}`,
      `See what it waits for: \`kubectl -n ${namespace} describe job/${job.name}\`.`,
    );
  return verdict('in-progress', `🟡 IN PROGRESS / gate passed for ${job.target}`, `Running now: ${stepOf(job)}.`);
}

function unreadable({ chain, running }: Night): Verdict | undefined {
  if (!running.known) return unknownNight('the running versions could not be read', `${running.why}.`);
  if (!chain.known) return unknownNight('the chain Jobs could not be read', `${chain.why}.`);
  return undefined;
}

function upgraded({ facts, chain, running, detector, target, windowHours }: Night): Verdict | undefined {
  if (!chain.known || !running.known || running.value.uniform === null) return undefined;
  const { uniform } = running.value;
  // The last word of the day is that of the run that came after it.
  if (preflightAfter(chain.value, uniform)?.target === target) return undefined;
  const detected = detector.fresh && detector.detected.known && detector.detected.value.target === uniform;
  if (!detected && !chain.value.finished.includes(uniform)) return undefined;
  const away = (facts.run.known ? facts.run.value.apiAwaySeconds : null) ?? null;
  const atLeast = facts.run.known && facts.run.value.apiAwayAtLeast === true ? 'at least ' : '';
  const notes = [
    ...hopsNote(facts, uniform, windowHours),
    ...(away === null ? [] : [`The API server was away for ${atLeast}${formatDuration(away * 1000)} meanwhile.`]),
    ...(facts.run.known && facts.run.value.notDrained === uniform
      ? [`Nodes were not drained (drain.mode is patch-without): ${WITHOUT_DRAIN_RISK}.`]
      : []),
  ];
  return verdict('upgraded', `🟢 UPGRADED — all nodes now on ${uniform}`, ...notes);
}

/** What the last message does not say: that it was not the only one. */
function hopsNote({ run, observedAt }: Facts, version: string, hours: number): readonly string[] {
  const all = run.known ? (run.value.hops ?? []) : [];
  const tonight = all.filter(({ at }) => Date.parse(observedAt) - Date.parse(at) < hours * 3_600_000);
  const done = tonight.slice(0, tonight.findIndex(({ target }) => target === version) + 1);
  const from = done[0]?.from;
  if (from === undefined || done.length < 2) return [];
  return [`In ${done.length} hops: ${[from, ...done.map(({ target }) => target)].join(' → ')}.`];
}

/** The run that began after this version was reached and ended before its first change. */
function preflightAfter(chain: ChainState, version: string): JobFact | undefined {
  const last = chain.recent.at(-1);
  return last?.phase === 'preflight' && last.status === 'complete' && last.target !== version ? last : undefined;
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
      ? detector.look !== undefined && !detector.detected.known
        ? `${detector.detected.why}.`
        : `Read why: \`kubectl -n ${namespace} logs -l app=k8s-version-upgrade --tail=-1 | grep -E 'could not read|looked for'\`.`
      : `${choice.why}.`,
  );
}
