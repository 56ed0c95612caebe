import type { Facts } from '../facts/facts.ts';
import type { ChainState } from './chain-state.ts';
import { gaugeValue } from './detector.ts';
import { stepOf } from './job-ending.ts';
import { halfDoneNote, type Night, nextRunNote, refusedAs, stoppedNote, type Verdict, verdict } from './night.ts';

const MORE_MEMORY = 'Give it more: resources.limits.memory in ConfigMap k8s-upgrade-job-template.';

export function failed(night: Night): Verdict | undefined {
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
      ...(job.died === undefined ? [] : [`Its last pod was ${job.died}. ${MORE_MEMORY}`]),
      `Read why: \`kubectl -n ${namespace} logs job/${job.name}\`. ${nextRunNote(night, 'The next run replaces the Job and goes on from there')}`,
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
      nextRunNote(night, 'The next run goes on from there'),
    );
  }
  return abandoned(night, chain.value);
}

/** A run that began and whose last Job is gone: its latch is still set, or its postflight never completed. */
function abandoned(night: Night, chain: ChainState): Verdict | undefined {
  const { facts, windowHours } = night;
  if (chain.unfinished !== undefined) {
    const why = stoppedNote(night);
    const title = `postflight for ${chain.unfinished}`;
    // It stopped by decision: somebody has to clear what it names.
    if (why !== undefined && refusedAs(night) !== undefined)
      return verdict(
        'blocked',
        `🔴 BLOCKED (action needed) — ${title}`,
        'The nodes were upgraded, and the run is not closed.',
        why,
      );
    return verdict(
      'failed',
      `🔴 FAILED — ${title} did not complete`,
      'The nodes were upgraded, but nobody has checked the cluster after it and closed the run.',
      ...(why === undefined ? [] : [why]),
    );
  }
  const startedAt = inFlightSince(facts);
  if (startedAt === undefined || chain.finished.length > 0) return undefined;
  const since = Date.parse(facts.observedAt) - startedAt;
  // An older latch is a leaked one, which the next detection clears (I21).
  if (since > windowHours * 3_600_000) return undefined;
  // A run that refused has stopped by decision: that is what the headline says.
  if (refusedAs(night) !== undefined) return undefined;
  return verdict(
    'failed',
    '🔴 FAILED — the run stopped: it is marked in flight, and no chain Job is active',
    'Nothing is half-done. The next detection clears the mark or goes on.',
  );
}

/** By the record of the run, else by the gauges that it sets. Milliseconds; undefined while none is in flight. */
function inFlightSince(facts: Facts): number | undefined {
  const { startedAt } = facts.run.known ? facts.run.value : { startedAt: null };
  if (startedAt !== null) return Date.parse(startedAt);
  const latch = gaugeValue(facts, 'k8s_upgrade_in_flight');
  if (!latch.known || latch.value !== 1) return undefined;
  const started = gaugeValue(facts, 'k8s_upgrade_started_timestamp');
  return started.known && started.value !== undefined ? started.value * 1000 : Date.parse(facts.observedAt);
}
