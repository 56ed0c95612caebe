import type { Deps } from '../deps.ts';
import { LockLost, reasonOf } from '../errors.ts';
import { hasTargetVersion, isOnTarget, type Outlines } from '../facts/nodes.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { gateOptions } from '../gate/gate-options.ts';
import { logFinding } from '../gate/log-finding.ts';
import { observe } from '../observe/observe.ts';
import { afterStop, JobOver, LAST_WORDS_MS } from './after-stop.ts';
import type { TakenBack } from './compose-event.ts';
import { createContext } from './context.ts';
import { endEarly } from './end-early.ts';
import { refuseLeftBehind } from './leave-behind.ts';
import { type Outcome, Refused } from './outcome.ts';
import type { ActionStep, Context, Phase } from './phase.ts';
import { refuseTooEarly, refuseWrongTarget } from './refuse-step.ts';
import { goOn, goOnBeside, spawnNext } from './spawn-next.ts';
import { nodeOf, type Step } from './step.ts';
import { stepDue } from './step-due.ts';
import { takeBack } from './take-back.ts';
import { lockOf, underLock } from './under-lock.ts';
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
    for (;;) {
      try {
        return await attempt(phase, context, takenBack);
      } catch (error) {
        if (!(error instanceof LockLost) || !error.lapsed) throw error;
        // As after a kill: with the lock in hand again, the phase goes on from what it finds.
        log.warn('beginning the phase anew, with the lock taken anew', { because: error.message });
      }
    }
  } catch (error) {
    if (!(error instanceof JobOver)) return await endEarly(context, error, takenBack);
    return await endEarly({ ...context, signal: AbortSignal.timeout(LAST_WORDS_MS) }, error, takenBack);
  }
}

async function attempt(phase: Phase, context: Context, takenBack: TakenBack[]): Promise<Outcome> {
  const { deps, step, target } = context;
  const nodes = await context.waiter.until(
    'the API server',
    async () => ({ done: true, value: await concerned(context) }),
    {
      seconds: deps.settings.waits.apiSeconds,
      remedy: 'See whether the API server runs: crictl ps -a on a control plane.',
    },
  );
  refuseWrongTarget(nodes, target);
  const work = async (locked: Context): Promise<void> => {
    if (isDone(step, nodes, target)) deps.log.info('nothing to do: this is done already');
    else {
      refuseTooEarly(step, nodes, target);
      await refuseLeftBehind(locked, nodes);
      await runSteps(phase, context, locked, takenBack);
    }
  };
  if (lockOf(context) === 'node') {
    await underLock(context, work);
    return await goOnBeside(context);
  }
  return await underLock(context, async (locked) => {
    await work(locked);
    return step.phase === 'postflight' ? { kind: 'finished' } : await goOn(locked, () => spawnNext(locked));
  });
}

/** What says whether a step is due: for one node, that node and the control planes; else all of them. */
async function concerned({ step, deps: { cluster }, signal }: Context): Promise<Outlines> {
  const name = nodeOf(step);
  if (name === undefined) return await cluster.outlines(signal);
  const [masters, own] = await Promise.all([cluster.controlPlanes(signal), cluster.node(name, signal)]);
  // Without an API server that is seen, the oldest kubelet of all nodes says which version runs.
  if (masters.every(({ apiServer }) => apiServer === null)) return await cluster.outlines(signal);
  return own === undefined || masters.some((master) => master.name === name) ? masters : [...masters, own];
}

/** A step is done when its node is finished; preflight, when nothing is left to prepare. A node that is gone has nothing left to do. */
function isDone(step: Step, nodes: Outlines, target: string): boolean {
  if (step.phase === 'postflight') return false;
  if (step.phase === 'preflight') return nodes.every((node) => hasTargetVersion(node, target));
  const node = nodes.find((item) => item.name === step.node);
  return node === undefined || isOnTarget(node, target);
}

/** `outer` is the context without the lock. @throws LockLost, whatever a step made of it, when the lock was lost meanwhile. */
async function runSteps(phase: Phase, outer: Context, locked: Context, takenBack: TakenBack[]): Promise<void> {
  const { deps, signal, target } = locked;
  if (phase.checks.length > 0) {
    // Away for all of the patience: a refusal would end the night and send people after permissions that are there.
    const facts = await observe(deps, phase.facts, signal, { throwsUnavailable: true });
    signal.throwIfAborted();
    const result = evaluateGate(facts, target, phase.checks, gateOptions(deps));
    for (const finding of result.findings) if (finding.severity === 'warn') logFinding(deps.log, finding);
    if (result.verdict !== 'safe') throw new Refused(result.findings.filter((finding) => finding.severity === 'block'));
  }
  const begun: ActionStep[] = [];
  try {
    const sayDue = stepDue(locked);
    for (const action of phase.steps) await runAction(action, locked, begun, sayDue);
  } catch (error) {
    if (outer.signal.aborted) throw await afterStop(locked, begun, error);
    signal.throwIfAborted();
    // A retry or the Job that replaces this one goes on from here: taking back would only do the work twice.
    if (!isWorthAnotherTry(error)) takenBack.push(...(await takeAllBack(begun.toReversed(), outer, locked, error)));
    throw error;
  }
}

/** A single control plane that is upgraded takes its API server away for longer than the lock lasts: then it is taken anew for this. */
async function takeAllBack(
  begun: readonly ActionStep[],
  outer: Context,
  locked: Context,
  because: unknown,
): Promise<readonly TakenBack[]> {
  const taken = await takeBack(begun, locked, because);
  const lost: unknown = locked.signal.reason;
  if (outer.signal.aborted || !(lost instanceof LockLost) || !lost.lapsed) return taken;
  const { step, target, deps, signal } = outer;
  const patient = createContext(step, target, deps, signal, { heedPause: false });
  try {
    return await underLock(patient, (again) => takeBack(begun, again, because));
  } catch (error) {
    deps.log.error('the lock could not be taken anew to take back what was begun', { error: reasonOf(error) });
    return taken;
  }
}

async function runAction(
  action: ActionStep,
  context: Context,
  begun: ActionStep[],
  sayDue: (action: ActionStep) => Promise<void>,
): Promise<void> {
  const { deps, step, target, signal, fence } = context;
  const own =
    action.critical === true ? createContext(step, target, deps, signal, { heedPause: false, fence }) : context;
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
  await sayDue(action);
  begun.push(action);
  await action.run(own);
}
