import type { EvictionResult, PodFact } from '../cluster/cluster.ts';
import { isUnavailable } from '../cluster/kube-error.ts';
import { NightliftError } from '../errors.ts';
import type { Finding } from '../gate/finding.ts';
import { Refused } from '../phases/outcome.ts';
import type { ActionStep, Context } from '../phases/phase.ts';
import { planDrain } from './drain-plan.ts';
import { hasTargetVersion, undoCordon } from './node-versions.ts';

/** Cordons first, so that nothing new lands on the node while it is emptied (D07); then evicts, never around a budget. */
export const drain: ActionStep = {
  name: 'drain',
  summary: 'cordon the node and evict its pods',
  // A node that shows the target is finished: it is never drained a second time.
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run(context) {
    const node = await context.node();
    const { cluster, clock, log } = context.deps;
    if (node.schedulable) {
      await cluster.cordon(node.name, `${context.target} ${clock.now().toISOString()}`, context.signal);
      log.info('cordoned', { node: node.name });
    } else if (node.cordonedBy === null) {
      log.warn('the node was cordoned by somebody else: it stays cordoned after its upgrade', { node: node.name });
    }
    await evictAll(context, node.name);
  },
  undo: undoCordon,
};

async function evictAll(context: Context, node: string): Promise<void> {
  const { deps, signal } = context;
  const { drain: policy, waits } = deps.settings;
  /** Last answer for each pod that is still there, by uid: what the progress and the refusal say. */
  const blocked = new Map<string, string>();
  const evicted = new Set<string>();
  let total = 0;
  try {
    await context.waiter.until(
      `the pods of ${node} to leave`,
      async () => {
        const plan = planDrain(await deps.cluster.pods({ node }, signal), policy);
        if (plan.kind === 'refused') throw new Refused(plan.problems.map((problem) => bareFinding(problem)));
        const staying = plan.pods;
        total = Math.max(total, staying.length);
        if (staying.length === 0) return { done: true, value: undefined };
        for (const uid of blocked.keys()) if (!staying.some((pod) => pod.uid === uid)) blocked.delete(uid);
        const waiting = staying.filter((pod) => !pod.deleting && !evicted.has(pod.uid));
        await evictBounded(context, waiting, policy.parallel, (pod, result) => {
          if (result.kind === 'accepted' || result.kind === 'gone') {
            evicted.add(pod.uid);
            blocked.delete(pod.uid);
          } else {
            blocked.set(pod.uid, `${pod.namespace}/${pod.name}: ${result.message}`);
          }
        });
        const why = blocked.size > 0 ? `; blocked: ${[...blocked.values()].join('; ')}` : '';
        return { done: false, missing: `${staying.length} of ${total} pods are still there${why}` };
      },
      {
        seconds: waits.drainSeconds,
        remedy: 'See which pods are left and why; the node is uncordoned and looked at again next night.',
      },
    );
  } catch (error) {
    if (!(error instanceof NightliftError) || error.kind !== 'timeout' || blocked.size === 0) throw error;
    throw new Refused([...blocked.values()].map((pod) => blockedFinding(node, pod, waits.drainSeconds)));
  }
  deps.log.info('drained', { node, pods: total });
}

async function evictBounded(
  context: Context,
  pods: readonly PodFact[],
  parallel: number,
  done: (pod: PodFact, result: EvictionResult) => void,
): Promise<void> {
  const queue = [...pods];
  const work = async (): Promise<void> => {
    for (let pod = queue.shift(); pod !== undefined; pod = queue.shift()) {
      try {
        done(pod, await context.deps.cluster.evict(pod, context.signal));
      } catch (error) {
        if (!isUnavailable(error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, pods.length) }, work));
}

function blockedFinding(node: string, pod: string, seconds: number): Finding {
  return {
    check: 'drain',
    reason: 'DrainBlocked',
    class: 'actionable',
    severity: 'block',
    message: `Draining ${node} gave up after ${seconds} s: ${pod}`,
    remedy:
      'Make its PodDisruptionBudget allow a disruption (more replicas, or a lower minAvailable), then wait for the next night.',
  };
}

function bareFinding(problem: string): Finding {
  return {
    check: 'drain',
    reason: 'BarePod',
    class: 'actionable',
    severity: 'block',
    message: `The drain would lose a pod: ${problem}`,
    remedy: 'Delete it yourself, give it an owner, or set drain.deleteBarePods.',
  };
}
