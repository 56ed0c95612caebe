import type { BudgetFact } from '../facts/facts.ts';
import type { DrainPolicy } from '../settings/drain.ts';
import { policyFor } from '../settings/drain-policy.ts';
import { someOf } from '../some-of.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import { drainsNone, stillToDrain } from './still-to-drain.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'budgets';

/**
 * A budget that lets no pod go keeps the drain of its node from ending, for as long as it is as it is. Asked for all nodes
 * before the first one is changed; a policy that deals with it settles it. What the API server itself has said to an
 * eviction counts for more than the numbers.
 */
export const budgets: Check = {
  name: NAME,
  reads: ['budgets', 'nodes'],
  evaluate(facts, { options, target }) {
    const { severity, policies } = options.budgets;
    if (drainsNone(facts, target, options.drain)) return [];
    if (!facts.budgets.known) {
      const finding = unknownFinding(
        NAME,
        'the PodDisruptionBudgets',
        facts.budgets.why,
        'Look at kubectl get poddisruptionbudgets -A.',
      );
      return [{ ...finding, severity }];
    }
    const isDue = stillToDrain(facts, target, options.drain);
    return facts.budgets.value
      .map((budget) => ({ ...budget, ...(budget.nodes === undefined ? {} : { nodes: budget.nodes.filter(isDue) }) }))
      .filter((budget) => !isDealtWith(budget, policies) && budget.nodes?.length !== 0)
      .flatMap((budget) => [...holdFindings(budget, severity), ...overlapFindings(budget, severity)]);
  },
};

function isDealtWith({ namespace, name, overlaps = [] }: BudgetFact, policies: readonly DrainPolicy[]): boolean {
  const { action } = policyFor(policies, namespace, [name, ...overlaps]);
  return action === 'restart-owner' || action === 'delete-after';
}

/** What a budget lacks, in the order in which it is asked. */
interface Hold {
  readonly reason: string;
  readonly why: string;
  readonly remedy: string;
}

function holdFindings(budget: BudgetFact, severity: Finding['severity']): Finding[] {
  const { namespace, name, refusal, nodes } = budget;
  // All that were asked would go.
  if (refusal?.known === true && refusal.value === null) return [];
  const hold = holdOf(budget);
  if (hold === undefined) return [];
  const { reason, why, remedy } = hold;
  const asked =
    refusal === undefined ? '' : refusal.known ? '' : `; the eviction API could not be asked: ${refusal.why}`;
  const where = nodes === undefined ? '' : `; it holds ${someOf(nodes)}`;
  return [
    {
      check: NAME,
      reason,
      class: 'actionable',
      severity,
      message: `PodDisruptionBudget ${namespace}/${name} ${why}${asked}${where}`,
      remedy,
    },
  ];
}

/** Undefined for a budget that is only busy now: enough of its pods are healthy, and one more is about to be. */
function holdOf(budget: BudgetFact): Hold | undefined {
  const { disruptionsAllowed, expectedPods, currentHealthy, desiredHealthy, syncFailed, namespace, name } = budget;
  if (disruptionsAllowed > 0) return undefined;
  if (syncFailed !== undefined)
    return {
      reason: 'BudgetSyncFailed',
      why: `lets no pod go: the disruption controller cannot count its pods: ${syncFailed}`,
      remedy: `${COUNT_PODS} kubectl -n ${namespace} describe poddisruptionbudget ${name}`,
    };
  if (expectedPods === 0 && currentHealthy > 0)
    return {
      reason: 'BudgetExpectsNone',
      why: 'lets no pod go: a percentage or maxUnavailable counts the replicas of owners, and its pods have none',
      remedy: COUNT_PODS,
    };
  if (expectedPods > 0 && currentHealthy >= expectedPods)
    return {
      reason: 'BudgetNeverAllows',
      why: `can never allow a disruption: all ${expectedPods} of its pods are healthy and it wants ${desiredHealthy}`,
      remedy:
        'Run one replica more, loosen minAvailable or maxUnavailable, or give it a policy in drain.policies; until then the drain of its node gives up.',
    };
  if (expectedPods > 0 && currentHealthy < desiredHealthy)
    return {
      reason: 'BudgetUnhealthy',
      why: `lets no pod go, not even those that are not Ready: ${currentHealthy} of its pods are healthy and it wants ${desiredHealthy}`,
      remedy:
        'Mend these pods, or set unhealthyPodEvictionPolicy: AlwaysAllow, which lets those go that are not Ready; or give it a policy in drain.policies.',
    };
  return undefined;
}

/** The one way to count pods without a scale subresource above them. */
const COUNT_PODS =
  'Give it minAvailable as a number of pods, the only way to count pods without a Deployment, ReplicaSet, StatefulSet or other owner with a scale subresource; or delete it.';

/** Each pair once. */
function overlapFindings(
  { namespace, name, overlaps = [], nodes }: BudgetFact,
  severity: Finding['severity'],
): Finding[] {
  return overlaps
    .filter((other) => name < other)
    .map((other) => ({
      check: NAME,
      reason: 'BudgetsOverlap',
      class: 'actionable',
      severity,
      message: `PodDisruptionBudgets ${namespace}/${name} and ${namespace}/${other} cover the same pods, which the API then never evicts${nodes === undefined ? '' : `; they hold ${someOf(nodes)}`}`,
      remedy: 'Make their selectors disjoint, or delete one of them; until then the drain of their nodes is refused.',
    }));
}
