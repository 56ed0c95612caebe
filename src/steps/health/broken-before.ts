import type { ActionStep, Context } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { NOTED, readRun } from '../../observe/run-record.ts';
import { someOf } from '../../some-of.ts';

const KEY = NOTED.broken;
/** An annotation is small, and a cluster of which more is broken has other troubles. */
const MOST = 100;

/** Pods that should be ready: not finished, not on their way out, and not a Job's (ours among them). */
export function counts(pod: PodFact): boolean {
  return pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && !pod.deleting && pod.owner?.kind !== 'Job';
}

/** What stays the same when a drain makes a new pod of an old one: its owner, and for a DaemonSet the node. Pure. */
function identityOf({ namespace, name, owner, node }: PodFact): string {
  if (owner === null) return `${namespace}/${name}`;
  return `${namespace}/${owner.kind}/${owner.name}${owner.kind === 'DaemonSet' ? `@${node ?? ''}` : ''}`;
}

/** What was not ready before the first change is not what the run has broken. A run that goes on keeps what it wrote at its beginning. */
export const noteBroken: ActionStep = {
  name: 'note-broken',
  summary: 'record which pods are not ready before the run',
  isDone: async (context) => (await readRun(context))[KEY] !== undefined,
  async run(context) {
    const { deps, signal } = context;
    const { state: broken } = await deps.cluster.readiness(
      {},
      () => new Set<string>(),
      (found, pod) => {
        if (counts(pod) && !pod.ready) found.add(identityOf(pod));
      },
      signal,
    );
    const names = [...broken].toSorted();
    await recordRun(context, { [KEY]: names.slice(0, MOST).join(' ') });
    if (names.length > 0)
      deps.log.warn('not ready before the run, so that it is no failure of the run when they stay so', {
        pods: someOf(names, MOST),
      });
  },
};

export interface BrokenBefore {
  /** Whether a pod was not ready before the run, or the one whose place it has. */
  has(pod: PodFact): boolean;
}

export async function brokenBefore(context: Pick<Context, 'deps' | 'signal'>): Promise<BrokenBefore> {
  const known = new Set(((await readRun(context))[KEY] ?? '').split(' '));
  return { has: (pod) => known.has(identityOf(pod)) };
}
