import type { Deps } from '../deps.ts';
import { LockLost, reasonOf } from '../errors.ts';
import { type RunHistory, type StepEnd, stepBegun, stepEnded, withInventory } from '../facts/run-history.ts';
import { verdictOf } from '../gate/evaluate-gate.ts';
import { inventoryIn } from '../observe/inventory.ts';
import { recordedRun } from '../observe/run-record.ts';
import type { Outcome } from './outcome.ts';
import type { ActionStep, Phase } from './phase.ts';
import { changeHistory, type Edit } from './run-history.ts';
import { runPhase } from './run-phase.ts';
import { type Step, stepName } from './step.ts';

/** `runPhase`, with its part in the record of the run: when it began and ended, what took how long, what was said. */
export async function recordedPhase(
  phase: Phase,
  step: Step,
  target: string,
  deps: Deps,
  signal: AbortSignal,
): Promise<Outcome> {
  const name = stepName(step);
  const seconds: Record<string, number> = {};
  const messages: string[] = [];
  const told: Deps = {
    ...deps,
    notifier: {
      async send(message, given) {
        messages.push(message.text.split('\n', 1)[0] ?? '');
        await deps.notifier.send(message, given);
      },
    },
  };
  const cluster = step.phase === 'preflight' ? await clusterName(deps, signal) : null;
  const begun: Edit = (run) => ({
    ...stepBegun(run, name, deps.clock.now().toISOString()),
    cluster: cluster ?? run.cluster,
  });
  const ended = async (end: Pick<StepEnd, 'outcome' | 'why' | 'findings' | 'run'>): Promise<void> => {
    const at = deps.clock.now().toISOString();
    const edit: Edit = (run, recorded) =>
      withRecorded(stepEnded(run, name, { ...end, at, seconds, messages }), recorded, deps);
    await changeHistory({ deps, signal }, target, edit);
  };
  await changeHistory({ deps, signal }, target, begun);
  try {
    const outcome = await runPhase(
      { ...phase, steps: phase.steps.map((action) => timed(action, seconds, deps)) },
      step,
      target,
      told,
      signal,
    );
    await ended(endOf(outcome));
    return outcome;
  } catch (error) {
    // Whoever goes on with it tells how it ends: the next pod, or the holder of the lock.
    if (!signal.aborted && !(error instanceof LockLost))
      await ended({ outcome: 'failed', why: reasonOf(error), findings: [], run: 'failed' });
    throw error;
  }
}

function endOf(outcome: Outcome): Pick<StepEnd, 'outcome' | 'why' | 'findings' | 'run'> {
  const run = outcome.kind === 'finished' ? 'complete' : outcome.kind === 'partly' ? 'failed' : 'running';
  const done = { outcome: 'done', why: null, findings: [], run } as const;
  if (outcome.kind === 'paused') return { ...done, outcome: 'paused', why: outcome.reason };
  if (outcome.kind !== 'refused') return done;
  const { findings } = outcome;
  const why = findings.map(({ message }) => message).join('; ');
  return { ...done, outcome: verdictOf(findings) === 'held' ? 'held' : 'blocked', why, findings };
}

/** What took less is not worth its place. */
const LEAST_MS = 1000;

function timed(action: ActionStep, seconds: Record<string, number>, { clock }: Deps): ActionStep {
  return {
    ...action,
    async run(context) {
      const begun = clock.monotonic();
      try {
        await action.run(context);
      } finally {
        const passed = clock.monotonic() - begun;
        if (passed >= LEAST_MS) seconds[action.name] = Math.round(passed / 1000);
      }
    },
  };
}

/** What the record on our namespace says of this run: it is the original, and ends with the run. */
function withRecorded(
  run: RunHistory,
  recorded: Readonly<Record<string, string>>,
  { settings, log }: Deps,
): RunHistory {
  const { target, snapshotPath, apiAwaySeconds = null } = recordedRun(recorded);
  const path = target === run.target ? snapshotPath : null;
  const withSnapshot =
    path === null || run.snapshot?.path === path ? run : { ...run, snapshot: { path, bytes: null, hash: null } };
  const known = { ...withSnapshot, apiAwaySeconds: target === run.target ? apiAwaySeconds : run.apiAwaySeconds };
  try {
    return withInventory(known, inventoryIn(recorded, settings));
  } catch (error) {
    log.warn('the inventory is left out of the record of the run', { error: reasonOf(error) });
    return known;
  }
}

async function clusterName({ cluster, log }: Deps, signal: AbortSignal): Promise<string | null> {
  try {
    return await cluster.clusterName(AbortSignal.any([signal, AbortSignal.timeout(10_000)]));
  } catch (error) {
    if (!signal.aborted)
      log.warn('the name of the cluster is left out of the record of the run', { error: reasonOf(error) });
    return null;
  }
}
