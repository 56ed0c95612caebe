import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { budgetsOver } from '../../cluster/budgets-over.ts';
import { needsEviction } from '../../cluster/pod-in-drain.ts';
import { hasTargetVersion } from '../../facts/nodes.ts';
import { policyFor } from '../../settings/drain-policy.ts';
import { undoCordon } from '../node/cordon.ts';
import { planDrain } from './drain-plan.ts';
import { evictAll } from './evictions.ts';
import { problemFinding, twoBudgetsFinding } from './findings.ts';

/**
 * Cordons first, so that nothing new lands on the node while it is emptied (D07); then evicts, never around a budget
 * unless a policy says so. Volumes are not waited for: what follows restarts kubelet and runtime and unmounts nothing.
 */
export const drain: ActionStep = {
  name: 'drain',
  summary: 'cordon the node and evict its pods',
  // A node that shows the target is finished: it is never drained a second time.
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run(context) {
    const node = await context.node();
    const { cluster, clock, log } = context.deps;
    await refuseTheImpossible(context, node.name);
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

/** What no waiting can change is said before the cordon. */
async function refuseTheImpossible({ deps, signal }: Context, node: string): Promise<void> {
  const { cluster, settings } = deps;
  const [pods, budgets] = await Promise.all([cluster.pods({ node }, signal), cluster.budgets(signal)]);
  const plan = planDrain(pods, settings.drain);
  if (plan.kind === 'refused') throw new Refused(plan.problems.map(problemFinding));
  const findings = plan.pods.filter(needsEviction).flatMap((pod) => {
    const over = budgetsOver(pod, budgets);
    const { action } = policyFor(settings.drain.policies, pod.namespace, over);
    const goesAround = action === 'delete-after' || action === 'restart-owner';
    return over.length > 1 && !goesAround ? [twoBudgetsFinding(node, pod, over)] : [];
  });
  if (findings.length > 0) throw new Refused(findings);
}
