import type { Context } from '../../chain/phase.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { known } from '../../observed.ts';
import { someOf } from '../../some-of.ts';
import { brokenBefore, counts } from './broken-before.ts';
import type { Trigger } from './trigger.ts';

const REASONS = ['FailedMount', 'FailedAttachVolume'];
/** The kubelet tries again after two minutes at the latest, and says so each time. */
const RECENT_MS = 180_000;
/** A node of which more pods do not start is named by these. */
const MOST_ASKED = 20;

/** Volumes that cannot be attached or mounted, of pods of the node that are not ready for it. */
export const mounts: Trigger = {
  check: 'mounts',
  reason: 'MountsFail',
  remedy:
    'kubectl describe pod of those that are named, and journalctl -u kubelet on the node; the next night goes on. triggers.mounts decides whether this is looked at.',
  everySeconds: 10,
  skip: ({ triggers }) => (triggers.mounts ? undefined : 'triggers.mounts is off'),
  forSeconds: ({ triggers }) => triggers.forSeconds,
  async look(context) {
    const { deps, signal } = context;
    const { name } = await context.node();
    const pods = await deps.cluster.pods({ node: name }, signal);
    const waiting = pods.filter((pod) => counts(pod) && !pod.ready);
    if (waiting.length === 0) return known(undefined);
    const before = await brokenBefore(context);
    const failing: string[] = [];
    for (const pod of waiting.filter((one) => !before.has(one)).slice(0, MOST_ASKED)) {
      const why = await whyNotMounted(context, pod);
      if (why !== undefined) failing.push(`${pod.namespace}/${pod.name} (${why})`);
    }
    return known(failing.length === 0 ? undefined : `volumes of pods on ${name} cannot be mounted: ${someOf(failing)}`);
  },
};

async function whyNotMounted({ deps, signal }: Context, pod: PodFact): Promise<string | undefined> {
  const since = deps.clock.now().getTime() - RECENT_MS;
  const told = await deps.cluster.podWarnings(pod, signal);
  const last = told.find(
    ({ reason, lastSeen }) => REASONS.includes(reason) && (lastSeen === null || Date.parse(lastSeen) >= since),
  );
  return last === undefined ? undefined : `${last.reason}: ${last.message}`;
}
