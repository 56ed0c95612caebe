import { z } from 'zod';
import { othersAtWork } from '../../chain/at-work.ts';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import type { Look } from '../../chain/wait.ts';
import type { LockPlace } from '../../cluster/cluster.ts';
import { NightliftError } from '../../errors.ts';
import { readRun } from '../../observe/run-record.ts';
import { lockHolder, rebootingNodes, returnedLock, takenLock } from './kured-lock.ts';

type WithRecord = Pick<Context, 'deps' | 'signal'>;

/** Of the run: where kured's lock was taken, so that it is given back there whatever the settings say by then. */
const RECORD = 'kured-lock';
const Place = z.object({ namespace: z.string(), daemonSet: z.string(), annotation: z.string() });

function placeOf({ deps }: WithRecord): LockPlace {
  const { namespace, daemonSet, annotation } = deps.settings.kured;
  return { namespace, daemonSet, annotation };
}

function ours({ deps }: WithRecord): string {
  return lockHolder(deps.settings.namespace);
}

/** kured and Nightlift never take nodes away at the same time. */
export const rebootLock: ActionStep = {
  name: 'reboot-lock',
  summary: 'kured is not restarting a node',
  skip: ({ deps }) => Promise.resolve(deps.settings.kured.daemonSet === '' ? 'kured.daemonSet is empty' : undefined),
  run: (context) => waitForKured(context, () => Promise.resolve(true)),
};

/**
 * Holds every place of kured's lock, so that it restarts no node until the run ends. Each phase takes it anew, which is
 * what keeps it from ending while a long run goes on.
 */
export const takeRebootLock: ActionStep = {
  name: 'take-reboot-lock',
  summary: "take kured's lock, so that no node is restarted meanwhile",
  skip: ({ deps }) => {
    const { takeLock, daemonSet } = deps.settings.kured;
    return Promise.resolve(takeLock && daemonSet !== '' ? undefined : 'kured.takeLock is off');
  },
  async run(context) {
    const { deps } = context;
    const place = placeOf(context);
    const record = JSON.stringify(place);
    const before = (await readRun(context))[RECORD];
    if (before !== undefined && before !== record) await giveBackRebootLock(context);
    if (before !== record) await recordRun(context, { [RECORD]: record });
    await waitForKured(context, async (lock, given) => {
      const text = takenLock(lock.text, ours(context), lock.concurrency, deps.clock.now());
      return await deps.cluster.writeRebootLock(place, text, lock.version, given);
    });
  },
  undo: giveBackUnlessUsed,
};

/** Workers that others are at work on must not be restarted either: whoever is last, or the next night, gives it back. */
async function giveBackUnlessUsed(context: Context): Promise<void> {
  if ((await othersAtWork(context)).size === 0) await giveBackRebootLock(context);
}

export const returnRebootLock: ActionStep = {
  name: 'return-reboot-lock',
  summary: "give kured's lock back",
  skip: async (context) => ((await readRun(context))[RECORD] === undefined ? 'it was not taken' : undefined),
  run: giveBackRebootLock,
};

type Found = Exclude<Awaited<ReturnType<Context['deps']['cluster']['rebootLock']>>, undefined>;

/** Waits until nobody else holds the lock, and `then` has said yes. @throws Refused when somebody does not let it go. */
async function waitForKured(
  context: Context,
  then: (lock: Found, signal: AbortSignal) => Promise<boolean>,
): Promise<void> {
  const { deps } = context;
  const place = placeOf(context);
  const look: Look<undefined> = async (_, signal) => {
    const lock = await deps.cluster.rebootLock(place, signal);
    if (lock === undefined) return { done: true, value: undefined };
    const nodes = rebootingNodes(lock.text, deps.clock.now(), ours(context));
    if (nodes.length > 0) return { done: false, missing: `it holds it for ${nodes.join(', ')}` };
    if (await then(lock, signal)) return { done: true, value: undefined };
    return { done: false, missing: 'somebody else has written it just now' };
  };
  try {
    await context.waiter.until('kured to give its lock back', look, {
      seconds: deps.settings.waits.alertSeconds,
      remedy: '',
    });
  } catch (error) {
    if (!(error instanceof NightliftError) || error.kind !== 'timeout') throw error;
    throw new Refused([
      {
        check: 'reboot-lock',
        reason: 'RebootLockHeld',
        class: 'actionable',
        severity: 'block',
        message: error.message,
        remedy: `See whether the node restarts; a lock that was left behind goes with: kubectl -n ${place.namespace} annotate daemonset ${place.daemonSet} ${place.annotation}-`,
      },
    ]);
  }
}

const TRIES = 5;

/** Gives back what the run's record says was taken, and of that only what is ours; safe when nothing was taken. */
export async function giveBackRebootLock(context: WithRecord): Promise<void> {
  const { deps, signal } = context;
  const record = (await readRun(context))[RECORD];
  if (record === undefined) return;
  const place = recordedPlace(record) ?? placeOf(context);
  for (let tries = 1; ; tries += 1) {
    const lock = await deps.cluster.rebootLock(place, signal);
    const rest = returnedLock(lock?.text, ours(context));
    if (lock === undefined || rest === undefined) break;
    if (await deps.cluster.writeRebootLock(place, rest, lock.version, signal)) {
      deps.log.info("gave kured's lock back", { daemonSet: `${place.namespace}/${place.daemonSet}` });
      break;
    }
    if (tries === TRIES)
      throw new NightliftError(
        'network',
        `giving back the lock of kured on DaemonSet ${place.namespace}/${place.daemonSet}: somebody else wrote it ${TRIES} times meanwhile`,
        { remedy: `kubectl -n ${place.namespace} annotate daemonset ${place.daemonSet} ${place.annotation}-` },
      );
  }
  await recordRun(context, { [RECORD]: null });
}

function recordedPlace(record: string): LockPlace | undefined {
  try {
    return Place.parse(JSON.parse(record));
  } catch {
    return undefined;
  }
}
