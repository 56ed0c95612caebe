import { NightliftError, reasonOf } from '../errors.ts';
import { isOnTarget, type Outlines } from '../facts/nodes.ts';
import { isOneByOne } from '../settings/rollout.ts';
import { createContext } from './context.ts';
import { type Failure, readFailure, writeFailure } from './failures.ts';
import { Refused } from './outcome.ts';
import type { Context } from './phase.ts';
import { goOnBeside, nightOf } from './spawn-next.ts';
import { nodeOf, stepName } from './step.ts';
import { isWorthAnotherTry } from './worth-another-try.ts';

/** Checks that say no to one worker and nothing of the others. Whatever else refuses is in the way of all of them. */
const OF_ONE_NODE = ['containerd', 'drain', 'headroom'];
const KINDS_OF_ONE_NODE = ['node', 'phase', 'timeout'];

export function failureOf(error: unknown): Failure {
  const isOfOneNode =
    error instanceof Refused
      ? error.findings.every(({ check }) => OF_ONE_NODE.includes(check))
      : error instanceof NightliftError && KINDS_OF_ONE_NODE.includes(error.kind);
  return { scope: isOfOneNode ? 'node' : 'run', why: reasonOf(error) };
}

/**
 * A worker that has refused or failed for good while others may go on: it is marked, so that nobody tries it again tonight, and whoever
 * is next is looked for. Where one goes after the other and none may fail, the night simply ends.
 */
export async function leaveBehind({ step, target, deps, signal }: Context, error: unknown): Promise<void> {
  const name = nodeOf(step);
  if (step.phase !== 'worker' || name === undefined || isOneByOne(deps.settings.rollout)) return;
  const node = await deps.cluster.node(name, signal);
  if (node !== undefined && isOnTarget(node, target)) return;
  if (node !== undefined) {
    const failure = failureOf(error);
    const night = await nightOf({ deps, target, signal });
    // The first mark of the night has the reason.
    if (readFailure(node.failed, target, night) === undefined) {
      await deps.cluster.markFailed(name, writeFailure(target, night, failure), signal);
      deps.log.warn('marked as failed for tonight', { node: name, scope: failure.scope });
    }
  }
  try {
    const { kind } = await goOnBeside(createContext(step, target, deps, signal));
    deps.log.info('looked for who goes on', { outcome: kind });
  } catch (failed) {
    if (isWorthAnotherTry(failed)) throw failed;
    deps.log.warn(`nobody goes on after ${stepName(step)}`, { because: reasonOf(failed) });
  }
}

/**
 * A pod may be killed after it has marked its node and before its Job has ended: others have gone on by then, and the next pod must
 * not take the node away beside them. @throws NightliftError (phase)
 */
export async function refuseLeftBehind(context: Context, nodes: Outlines): Promise<void> {
  const { step, target } = context;
  const own = step.phase === 'worker' ? nodes.find(({ name }) => name === step.node) : undefined;
  if (own === undefined || own.failed === null) return;
  const failure = readFailure(own.failed, target, await nightOf(context));
  if (failure === undefined) return;
  throw new NightliftError('phase', `${stepName(step)} has failed already tonight: ${failure.why}`, {
    remedy: 'It is tried again in the next night; sooner: start the detection.',
  });
}
