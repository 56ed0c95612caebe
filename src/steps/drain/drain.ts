import { Refused } from '../../chain/outcome.ts';
import { ownJobName } from '../../chain/own-job.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import { goesWithoutDrain } from '../../chain/without-drain.ts';
import { budgetsOver } from '../../cluster/budgets-over.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { isFinished, needsEviction } from '../../cluster/pod-in-drain.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { hasTargetVersion } from '../../facts/nodes.ts';
import { WITHOUT_DRAIN_RISK } from '../../gate/drain-rule.ts';
import { NOT_DRAINED } from '../../observe/run-record.ts';
import { policyFor } from '../../settings/drain-policy.ts';
import { undoCordon } from '../node/cordon.ts';
import { onlyTold } from '../run/only-told.ts';
import { planDrain } from './drain-plan.ts';
import { evictAll } from './evictions.ts';
import { ownNodeFinding, problemFinding, twoBudgetsFinding } from './findings.ts';

/**
 * Cordons first, so that nothing new lands on the node while it is emptied (D07); then evicts, never around a budget
 * unless a policy says so. Volumes are not waited for: what follows restarts kubelet and runtime and unmounts nothing.
 */
export const drain: ActionStep = {
  name: 'drain',
  summary: 'cordon the node and evict its pods, or leave them where they are (`drain.mode`)',
  // A node that shows the target is finished: it is never drained a second time.
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run(context) {
    const node = await context.node();
    if (await goesWithoutDrain(context)) {
      await keepPods(context, node);
      return;
    }
    await refuseTheImpossible(context, node.name);
    await cordon(context, node);
    await evictAll(context, node.name);
  },
  undo: undoCordon,
};

async function cordon({ deps, target, signal }: Context, { name, schedulable, cordonedBy }: NodeFact): Promise<void> {
  if (schedulable) {
    await deps.cluster.cordon(name, `${target} ${deps.clock.now().toISOString()}`, signal);
    deps.log.info('cordoned', { node: name });
  } else if (cordonedBy === null) {
    deps.log.warn('the node was cordoned by somebody else: it stays cordoned after its upgrade', { node: name });
  }
}

/** On the node that runs this Job, a cordon would keep the Job's next pod, and the next Job, from being scheduled. */
async function keepPods(context: Context, node: NodeFact): Promise<void> {
  const { cluster, log } = context.deps;
  const job = await jobAmong(await cluster.pods({ node: node.name }, context.signal), context);
  if (job === undefined) await cordon(context, node);
  log.warn('the node is not drained: drain.mode is patch-without', {
    node: node.name,
    risk: WITHOUT_DRAIN_RISK,
    ...(job === undefined ? {} : { cordon: 'none, as this Job runs on the node' }),
  });
  await onlyTold(context, 'that the node was not drained could not be recorded', async () => {
    await recordRun(context, { [NOT_DRAINED]: context.target });
  });
}

/** The name of the step's own Job, when one of these pods runs it. */
async function jobAmong(pods: readonly PodFact[], context: Context): Promise<string | undefined> {
  const name = await ownJobName(context, context.signal);
  const { namespace } = context.deps.settings;
  const isOurs = (pod: PodFact): boolean =>
    pod.namespace === namespace && pod.owner?.kind === 'Job' && pod.owner.name === name;
  return pods.some((pod) => isOurs(pod) && !isFinished(pod) && !pod.deleting) ? name : undefined;
}

/** What no waiting can change is said before the cordon. */
async function refuseTheImpossible(context: Context, node: string): Promise<void> {
  const { deps, signal } = context;
  const { cluster, settings } = deps;
  const [pods, budgets] = await Promise.all([cluster.pods({ node }, signal), cluster.budgets(signal)]);
  const own = await jobAmong(pods, context);
  if (own !== undefined) throw new Refused([ownNodeFinding(node, own)]);
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
