import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { skipWithoutDrain } from '../../chain/without-drain.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { NightliftError } from '../../errors.ts';
import { someOf } from '../../some-of.ts';
import { brokenBefore, counts } from './broken-before.ts';

/** What makes a new pod of one that was evicted. Batch systems make new ones all the time, and theirs say nothing of this node. */
const REPLACING = ['ReplicaSet', 'StatefulSet'];

/** Pods that were evicted are back before another node is emptied. This one is in service again: nothing is taken back. */
export const replacements: ActionStep = {
  name: 'replacements',
  summary: 'no pod that was evicted is without a place',
  longest: ({ drain, waits }) => Math.max(drain.awaitReplacements, waits.drainSeconds),
  async skip(context) {
    if (context.deps.settings.drain.awaitReplacements === 0) return 'drain.awaitReplacements is 0';
    return await skipWithoutDrain(context);
  },
  async run(context) {
    const { deps } = context;
    const { name } = await context.node();
    const before = await brokenBefore(context);
    const seconds = deps.settings.drain.awaitReplacements;
    let pending: readonly PodFact[] = [];
    try {
      await context.waiter.until(
        'evicted pods to run again',
        async (_, signal) => {
          pending = (await pendingPods({ ...context, signal })).filter((pod) => !before.has(pod));
          return pending.length === 0
            ? { done: true, value: undefined }
            : { done: false, missing: `pending: ${named(pending)}` };
        },
        { seconds, remedy: 'kubectl get pods -A --field-selector status.phase=Pending' },
      );
    } catch (error) {
      if (!(error instanceof NightliftError) || error.kind !== 'timeout' || pending.length === 0) throw error;
      throw new Refused([
        {
          check: 'replacements',
          reason: 'NotReplaced',
          class: 'actionable',
          severity: 'block',
          message: `${name} is upgraded and in service, and for ${seconds} s since then these pods have not started anywhere: ${named(pending)}`,
          remedy:
            'kubectl describe pod says why each is Pending: give it room, or mend its image or volume; the next night goes on. drain.awaitReplacements sets how long they are waited for.',
        },
      ]);
    }
  },
};

async function pendingPods({ deps, signal }: Context): Promise<readonly PodFact[]> {
  const pods = await deps.cluster.pods({ phase: 'Pending' }, signal);
  return pods.filter((pod) => counts(pod) && pod.owner !== null && REPLACING.includes(pod.owner.kind));
}

function named(pods: readonly PodFact[]): string {
  const texts = pods.map(({ namespace, name, node, unschedulable }) => {
    const why = unschedulable ?? (node === null ? 'the scheduler has not said why' : `it does not start on ${node}`);
    return `${namespace}/${name} (${why})`;
  });
  return someOf(texts);
}
