import type { BudgetFact } from '../facts/facts.ts';
import type { DrainPolicy } from '../settings/drain.ts';
import { policyFor } from '../settings/drain-policy.ts';
import type { Check } from './check.ts';
import type { Finding } from './finding.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'budgets';

/**
 * A budget that allows no disruption though all its pods are healthy will allow none later either: the drain would wait
 * for nothing. Asked for all nodes before the first one is changed; a policy that deals with it settles it.
 */
export const budgets: Check = {
  name: NAME,
  evaluate(facts, { options }) {
    const { severity, policies } = options.budgets;
    if (!facts.budgets.known) {
      const finding = unknownFinding(
        NAME,
        'the PodDisruptionBudgets',
        facts.budgets.why,
        'Look at kubectl get poddisruptionbudgets -A.',
      );
      return [{ ...finding, severity }];
    }
    return facts.budgets.value
      .filter((budget) => !isDealtWith(budget, policies) && budget.nodes?.length !== 0)
      .flatMap((budget) => [
        ...(neverAllows(budget) ? [neverAllowsFinding(budget, severity)] : []),
        ...overlapFindings(budget, severity),
      ]);
  },
};

function neverAllows({ disruptionsAllowed, expectedPods, currentHealthy }: BudgetFact): boolean {
  return disruptionsAllowed <= 0 && expectedPods > 0 && currentHealthy >= expectedPods;
}

function isDealtWith({ namespace, name, overlaps = [] }: BudgetFact, policies: readonly DrainPolicy[]): boolean {
  const { action } = policyFor(policies, namespace, [name, ...overlaps]);
  return action === 'restart-owner' || action === 'delete-after';
}

function neverAllowsFinding(budget: BudgetFact, severity: Finding['severity']): Finding {
  const where = budget.nodes === undefined ? '' : `; it holds ${budget.nodes.join(', ')}`;
  return {
    check: NAME,
    reason: 'BudgetNeverAllows',
    class: 'actionable',
    severity,
    message: `PodDisruptionBudget ${budget.namespace}/${budget.name} can never allow a disruption: all ${budget.expectedPods} of its pods are healthy and it wants ${budget.desiredHealthy}${where}`,
    remedy:
      'Run one replica more, loosen minAvailable or maxUnavailable, or give it a policy in drain.policies; until then the drain of its node gives up.',
  };
}

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
      message: `PodDisruptionBudgets ${namespace}/${name} and ${namespace}/${other} cover the same pods, which the API then never evicts${nodes === undefined ? '' : `; they hold ${nodes.join(', ')}`}`,
      remedy: 'Make their selectors disjoint, or delete one of them; until then the drain of their nodes is refused.',
    }));
}
