import type { Deps } from '../deps.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { firstControlPlane, hasTargetVersion, isOnTarget } from '../facts/nodes.ts';
import { evaluateGate, verdictOf } from '../gate/evaluate-gate.ts';
import { gateOptions } from '../gate/gate-options.ts';
import { logFinding } from '../gate/log-finding.ts';
import { pushGauges } from '../metrics/gauges.ts';
import { announce } from '../notify/announce.ts';
import { observe } from '../observe/observe.ts';
import { jumpBetween, oldestVersion } from '../version.ts';
import { composeEvent, type TakenBack } from './compose-event.ts';
import { ensureJob } from './ensure-job.ts';
import { mayGoOn } from './may-go-on.ts';
import { nextStep, tooEarly } from './order.ts';
import { type Outcome, Paused, Refused } from './outcome.ts';
import type { ActionStep, Context, Phase } from './phase.ts';
import { takeRunLock } from './run-lock.ts';
import { recordStop } from './run-record.ts';
import { jobName, nodeOf, type Step, stepName } from './step.ts';
import { createWaiter } from './wait.ts';
import { isWorthAnotherTry } from './worth-another-try.ts';

/**
 * The one algorithm of every phase: kill switch, is it done already, gate, steps, next Job. Decisions are returned;
 * failures are thrown after what was begun has been taken back and said. Safe to call again after a kill at any line.
 */
export async function runPhase(
  phase: Phase,
  step: Step,
  target: string,
  deps: Deps,
  signal: AbortSignal,
): Promise<Outcome> {
  const log = deps.log.child({
    phase: step.phase,
    target,
    ...(nodeOf(step) === undefined ? {} : { node: nodeOf(step) }),
  });
  const context = createContext(step, target, { ...deps, log }, signal);
  const takenBack: TakenBack[] = [];
  try {
    log.info(`phase starts: ${phase.summary}`);
    const nodes = await context.waiter.until(
      'the API server',
      async () => ({ done: true, value: await deps.cluster.nodes(signal) }),
      {
        seconds: deps.settings.waits.apiSeconds,
        remedy: 'See whether the API server runs: crictl ps -a on a control plane.',
      },
    );
    refuseWrongTarget(nodes, target);
    const lock = await takeRunLock(context.deps, context.waiter, signal);
    try {
      const locked = createContext(step, target, context.deps, AbortSignal.any([signal, lock.lost]));
      if (isDone(step, nodes, target)) log.info('nothing to do: this is done already');
      else {
        refuseTooEarly(step, nodes, target);
        await runSteps(phase, locked, takenBack);
      }
      return step.phase === 'postflight' ? { kind: 'finished' } : await spawnNext(locked);
    } finally {
      await lock.release();
    }
  } catch (error) {
    return await endedEarly(context, error, takenBack);
  }
}

/** A step is done when its node is finished; preflight, when nothing is left to prepare. A node that is gone has nothing left to do. */
function isDone(step: Step, nodes: readonly NodeFact[], target: string): boolean {
  if (step.phase === 'postflight') return false;
  if (step.phase === 'preflight') return nodes.every((node) => hasTargetVersion(node, target));
  const node = nodes.find((item) => item.name === step.node);
  return node === undefined || isOnTarget(node, target);
}

/** A Job made by hand can carry any target: what kubeadm could not do is refused before anything is asked or changed. */
function refuseWrongTarget(nodes: readonly NodeFact[], target: string): void {
  const running =
    oldestVersion(nodes.flatMap((node) => (node.apiServer === null ? [] : [node.apiServer]))) ??
    oldestVersion(nodes.map((node) => node.kubelet));
  if (running === undefined)
    throw new NightliftError('cluster', 'reading the nodes: the API server lists none', {
      remedy: 'Check the account of the Job: kubectl auth can-i list nodes.',
    });
  const jump = jumpBetween(running, target);
  if (typeof jump === 'string') return;
  throw new Refused([
    {
      check: 'target',
      reason: 'WrongTarget',
      class: 'actionable',
      severity: 'block',
      message: jump.problem,
      remedy: 'Delete this Job; `nightlift plan` shows the possible targets.',
    },
  ]);
}

/** The chain itself comes in order; a Job made by hand need not. */
function refuseTooEarly(step: Step, nodes: readonly NodeFact[], target: string): void {
  const why = tooEarly(step, nodes, target);
  if (why === undefined) return;
  throw new Refused([
    {
      check: 'order',
      reason: 'TooEarly',
      class: 'actionable',
      severity: 'block',
      message: `${stepName(step)} is too early: ${why}`,
      remedy: `Delete this Job; \`nightlift upgrade --to ${target}\` goes in the right order.`,
    },
  ]);
}

async function runSteps(phase: Phase, context: Context, takenBack: TakenBack[]): Promise<void> {
  const { deps, signal, target } = context;
  if (phase.checks.length > 0) {
    // Away for all of the patience: a refusal would end the night and send people after permissions that are there.
    const facts = await observe(deps, phase.facts, signal, { throwsUnavailable: true });
    const result = evaluateGate(facts, target, phase.checks, gateOptions(deps));
    for (const finding of result.findings) if (finding.severity === 'warn') logFinding(deps.log, finding);
    if (result.verdict !== 'safe') throw new Refused(result.findings.filter((finding) => finding.severity === 'block'));
  }
  const begun: ActionStep[] = [];
  try {
    for (const action of phase.steps) await runAction(action, context, begun);
  } catch (error) {
    // A retry or the Job that replaces this one goes on from here: taking back would only do the work twice.
    if (!isWorthAnotherTry(error) && !signal.aborted)
      takenBack.push(...(await undoAll(begun.toReversed(), context, error)));
    throw error;
  }
}

async function runAction(action: ActionStep, context: Context, begun: ActionStep[]): Promise<void> {
  const { deps, step, target, signal } = context;
  const own = action.critical === true ? createContext(step, target, deps, signal, { heedPause: false }) : context;
  await own.waiter.mayGoOn();
  const why = await action.skip?.(own);
  if (why !== undefined) {
    deps.log.info(`skipping ${action.name}`, { why });
    return;
  }
  if ((await action.isDone?.(own)) === true) {
    deps.log.info(`${action.name}: done already`);
    return;
  }
  deps.log.info(`${action.name}: ${action.summary}`);
  begun.push(action);
  await action.run(own);
}

/** A bad answer that passes must not leave a node cordoned until the next night. */
const UNDO_SECONDS = 60;

/** Takes back in reverse order. An undo that fails is said and does not hide why the phase ended; the next Job tries again. */
async function undoAll(
  begun: readonly ActionStep[],
  context: Context,
  because: unknown,
): Promise<readonly TakenBack[]> {
  const takenBack: TakenBack[] = [];
  const undoContext = createContext(context.step, context.target, context.deps, context.signal, { heedPause: false });
  for (const action of begun) {
    if (action.undo === undefined) continue;
    const { undo } = action;
    context.deps.log.info(`taking back ${action.name}`, { because: reasonOf(because) });
    try {
      await undoContext.waiter.until(
        `${action.name} to be taken back`,
        async () => {
          try {
            await undo(undoContext);
            return { done: true, value: undefined };
          } catch (error) {
            return { done: false, missing: reasonOf(error) };
          }
        },
        { seconds: UNDO_SECONDS, remedy: '' },
      );
      takenBack.push({ what: action.name, failed: false });
    } catch (error) {
      context.deps.log.error(`taking back ${action.name} failed; the next Job tries again`, { error: reasonOf(error) });
      takenBack.push({ what: action.name, failed: true });
    }
  }
  return takenBack;
}

async function spawnNext(context: Context): Promise<Outcome> {
  const { deps, target, signal, step } = context;
  await context.waiter.mayGoOn();
  const nodes = await deps.cluster.nodes(signal);
  const next = nextStep(nodes, target);
  if (next.phase === step.phase && nodeOf(next) === nodeOf(step)) {
    throw new NightliftError('phase', `finishing ${stepName(step)}: the cluster does not show ${target} on it`, {
      remedy: 'See the log above; the node is looked at again next night.',
    });
  }
  const ensured = await ensureJob(deps, { step: next, target, nodes, reached: false, signal });
  return { kind: 'advanced', next, job: ensured.name };
}

/** Decisions become outcomes; failures are said and thrown on. */
async function endedEarly(context: Context, error: unknown, takenBack: readonly TakenBack[]): Promise<Outcome> {
  const { deps, step, target, signal } = context;
  if (error instanceof Paused) {
    deps.log.warn('paused', { reason: error.message });
    await recordStop(context, `paused in ${stepName(step)}: ${error.message}`);
    await announce(deps, composeEvent({ kind: 'paused', step, target, reason: error.message }), signal);
    return { kind: 'paused', reason: error.message };
  }
  if (error instanceof Refused) {
    const verdict = verdictOf(error.findings) === 'held' ? 'held' : 'blocked';
    for (const finding of error.findings) logFinding(deps.log, finding);
    deps.log.warn('refused', { verdict });
    await recordStop(context, `${verdict} in ${stepName(step)}: ${error.message}`);
    const actionable = error.findings.some((finding) => finding.class === 'actionable');
    await pushGauges(context, {
      k8s_upgrade_blocked: actionable ? 1 : 0,
      k8s_upgrade_held: verdict === 'held' ? 1 : 0,
    });
    // What nobody can act on is in the morning's report, and wakes nobody (I19).
    if (actionable)
      await announce(
        deps,
        composeEvent({ kind: 'refused', step, target, verdict, findings: error.findings, takenBack }),
        signal,
      );
    return { kind: 'refused', verdict, findings: error.findings };
  }
  // Stopped from outside (an eviction, a deadline, Ctrl-C): the next Job goes on, there is nothing to tell.
  if (signal.aborted) throw error;
  await recordStop(context, `failed in ${stepName(step)}: ${reasonOf(error)}`);
  // What is worth another try is left to the Job's retries: only the last of them wakes somebody.
  if (!isWorthAnotherTry(error) || (await isLastTry(context))) {
    await announce(
      deps,
      composeEvent({
        kind: 'failed',
        step,
        target,
        error: reasonOf(error),
        remedy: error instanceof NightliftError ? error.remedy : undefined,
      }),
      signal,
    );
  }
  throw error;
}

const LAST_TRY_LOOK_MS = 10_000;

/** Whether the Job gives up with this pod. What cannot be read is in the morning's report. */
async function isLastTry({ deps, step, target, signal: stopped }: Context): Promise<boolean> {
  if (!deps.inCluster) return false;
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(LAST_TRY_LOOK_MS)]);
  try {
    const name = jobName(step, target, firstControlPlane(await deps.cluster.nodes(signal)));
    return (await deps.cluster.job(name, signal))?.retriesLeft === 0;
  } catch {
    return false;
  }
}

function createContext(
  step: Step,
  target: string,
  deps: Deps,
  signal: AbortSignal,
  options: { readonly heedPause: boolean } = { heedPause: true },
): Context {
  const name = nodeOf(step);
  return {
    step,
    target,
    deps,
    signal,
    waiter: createWaiter({
      clock: deps.clock,
      log: deps.log,
      pollSeconds: deps.settings.waits.pollSeconds,
      signal,
      mayGoOn: () => (options.heedPause ? mayGoOn(deps, signal) : Promise.resolve()),
    }),
    async node() {
      const node = (await deps.cluster.nodes(signal)).find((item) => item.name === name);
      if (node !== undefined) return node;
      throw new NightliftError('cluster', `looking for node ${name ?? '(none)'}: it is not in the cluster any more`, {
        remedy: 'The next night enumerates the nodes anew.',
      });
    },
  };
}
