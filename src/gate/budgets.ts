import type { Check } from './gate.ts';
import { unknownFinding } from './unknown-finding.ts';

const NAME = 'budgets';

export interface BudgetsOptions {
  /** The setting `budgets`. */
  readonly severity: 'warn' | 'block';
}

/** A budget that allows no disruption though all its pods are healthy will allow none later either: the drain would wait for nothing. */
export const budgets: Check = {
  name: NAME,
  evaluate(facts, { options }) {
    const { severity } = options.budgets;
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
      .filter(
        (budget) =>
          budget.disruptionsAllowed <= 0 && budget.expectedPods > 0 && budget.currentHealthy >= budget.expectedPods,
      )
      .map((budget) => ({
        check: NAME,
        reason: 'BudgetNeverAllows',
        class: 'actionable',
        severity,
        message: `PodDisruptionBudget ${budget.namespace}/${budget.name} can never allow a disruption: all ${budget.expectedPods} of its pods are healthy and it wants ${budget.desiredHealthy}`,
        remedy:
          'Run one replica more, or loosen minAvailable or maxUnavailable; until then the drain of its node gives up.',
      }));
  },
};
