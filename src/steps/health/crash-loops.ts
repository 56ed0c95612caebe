import type { Context } from '../../chain/phase.ts';
import { known } from '../../observed.ts';
import { someOf } from '../../some-of.ts';
import { brokenBefore, counts } from './broken-before.ts';
import type { Trigger } from './trigger.ts';

/** A kubelet tells of a container that it holds back at least every five minutes. */
const RECENT_MS = 600_000;
/** Of a container that the kubelet does not start again yet; of an image it is no warning. */
const HELD_BACK = 'BackOff';

/**
 * Pods in CrashLoopBackOff that were well before the run, as a share of all pods. The pods are read only when more of
 * them may be than are allowed: their events tell it, which are as few as what fails.
 */
export const crashLoops: Trigger = {
  check: 'crash-loops',
  reason: 'PodsCrashLooping',
  remedy:
    'kubectl logs --previous of the pods that are named says why they end; the next night goes on. triggers.crashLoopPercent sets the limit.',
  everySeconds: 30,
  skip: ({ triggers }) => (triggers.crashLoopPercent >= 100 ? 'triggers.crashLoopPercent is 100' : undefined),
  forSeconds: ({ triggers }) => triggers.forSeconds,
  async look(context) {
    const { deps, signal } = context;
    const { crashLoopPercent } = deps.settings.triggers;
    const isOver = (some: number, all: number): boolean => some * 100 > all * crashLoopPercent;
    const some = await heldBack(context);
    if (some === 0) return known(undefined);
    const count = await deps.cluster.podCount(signal);
    if (count !== undefined && !isOver(some, count)) return known(undefined);
    const { all, names } = await newlyLooping(context);
    if (!isOver(names.length, all)) return known(undefined);
    return known(
      `${names.length} of ${all} pods are in CrashLoopBackOff and were not before the run, which is more than ${crashLoopPercent} %: ${someOf(names)}`,
    );
  },
};

async function heldBack({ deps: { cluster, clock }, signal }: Context): Promise<number> {
  const since = clock.now().getTime() - RECENT_MS;
  const told = await cluster.podWarnings({ reason: HELD_BACK }, signal);
  // A time that nobody knows is not long ago.
  return new Set(
    told.filter(({ lastSeen }) => lastSeen === null || Date.parse(lastSeen) >= since).map(({ pod }) => pod.uid),
  ).size;
}

async function newlyLooping(context: Context): Promise<{ readonly all: number; readonly names: readonly string[] }> {
  const before = await brokenBefore(context);
  return await context.deps.cluster.foldPods(
    {},
    () => ({ all: 0, names: [] as string[] }),
    (seen, pod) => {
      if (!counts(pod)) return;
      seen.all += 1;
      if (pod.crashLooping && !before.has(pod)) seen.names.push(`${pod.namespace}/${pod.name}`);
    },
    context.signal,
  );
}
