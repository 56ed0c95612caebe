import { z } from 'zod';
import { NightliftError } from '../errors.ts';
import { Refused } from '../phases/outcome.ts';
import type { ActionStep } from '../phases/phase.ts';

/** TTL is Go's time.Duration in nanoseconds; 0 never ends. */
const Lock = z.object({ nodeID: z.string(), created: z.string().default(''), TTL: z.number().default(0) });
const Annotation = z.union([z.object({ locks: z.array(Lock).nullable() }), Lock]);

/**
 * The nodes that kured is about to restart, by the annotation in which it keeps its lock (one lock, or a list with
 * `--concurrency`). A lock that cannot be read is held by somebody: 'unknown'. Pure.
 */
export function rebootingNodes(annotation: string | undefined, now: Date): readonly string[] {
  if (annotation === undefined || annotation.trim() === '') return [];
  let parsed: z.infer<typeof Annotation>;
  try {
    parsed = Annotation.parse(JSON.parse(annotation));
  } catch {
    return ['unknown (the lock cannot be read)'];
  }
  const locks = 'locks' in parsed ? (parsed.locks ?? []) : [parsed];
  return locks.filter((lock) => lock.nodeID !== '' && !hasEnded(lock, now)).map((lock) => lock.nodeID);
}

function hasEnded({ created, TTL }: z.infer<typeof Lock>, now: Date): boolean {
  const end = Date.parse(created) + TTL / 1_000_000;
  return TTL > 0 && !Number.isNaN(end) && end < now.getTime();
}

/** kured and Nightlift never take nodes away at the same time. */
export const rebootLock: ActionStep = {
  name: 'reboot-lock',
  summary: 'kured is not restarting a node',
  skip: ({ deps }) => Promise.resolve(deps.settings.kured.daemonSet === '' ? 'kured.daemonSet is empty' : undefined),
  async run(context) {
    const { deps, signal } = context;
    const { namespace, daemonSet, annotation } = deps.settings.kured;
    try {
      await context.waiter.until(
        'kured to give its lock back',
        async () => {
          const lock = await deps.cluster.daemonSetAnnotation(namespace, daemonSet, annotation, signal);
          const nodes = rebootingNodes(lock, deps.clock.now());
          return nodes.length === 0
            ? { done: true, value: undefined }
            : { done: false, missing: `it holds it for ${nodes.join(', ')}` };
        },
        { seconds: deps.settings.waits.alertSeconds, remedy: '' },
      );
    } catch (error) {
      if (!(error instanceof NightliftError) || error.kind !== 'timeout') throw error;
      throw new Refused([
        {
          check: 'reboot-lock',
          reason: 'RebootLockHeld',
          class: 'actionable',
          severity: 'block',
          message: error.message,
          remedy: `See whether the node restarts; a lock that was left behind goes with: kubectl -n ${namespace} annotate daemonset ${daemonSet} ${annotation}-`,
        },
      ]);
    }
  },
};
