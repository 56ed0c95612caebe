import type { PodFact } from '../../cluster/cluster.ts';
import { stuckText } from '../../cluster/stuck-pod.ts';
import type { Finding } from '../../gate/finding.ts';
import type { DrainProblem } from './drain-plan.ts';
import type { Holdup } from './holdups.ts';
import { budgetName, nameOf } from './names.ts';

const ASK_THE_BUDGET =
  'Make its PodDisruptionBudget allow a disruption (more replicas, or a lower minAvailable), or give it a policy in drain.policies; then wait for the next night.';

function finding(reason: string, message: string, remedy: string): Finding {
  return { check: 'drain', reason, class: 'actionable', severity: 'block', message, remedy };
}

export function ownNodeFinding(node: string, job: string): Finding {
  return finding(
    'OwnNode',
    `${node} is not drained: the Job ${job} runs on it, and would evict itself`,
    'Delete this Job; the next night places it anew. When no other node can run it, a patch needs drain.mode: patch-without.',
  );
}

export function problemFinding({ kind, pod }: DrainProblem): Finding {
  return kind === 'bare'
    ? finding(
        'BarePod',
        `The drain would lose a pod: ${nameOf(pod)} has no owner: nothing would create it again`,
        'Delete it yourself, give it an owner, or set drain.deleteBarePods.',
      )
    : finding(
        'EmptyDir',
        `The drain would lose data: ${nameOf(pod)} has an emptyDir, whose content goes with the pod`,
        'Move what is in it, or set drain.deleteEmptyDir.',
      );
}

export function twoBudgetsFinding(node: string, pod: PodFact, budgets: readonly string[]): Finding {
  const names = budgets.map((name) => `${pod.namespace}/${name}`).join(' and ');
  return finding(
    'TwoBudgets',
    `Draining ${node} cannot end: pod ${nameOf(pod)} has ${names === '' ? 'more than one budget' : `the budgets ${names}`}, and the API evicts no pod that has two`,
    'Make the selectors of these PodDisruptionBudgets disjoint, or delete one of them.',
  );
}

/** By policy, or because nothing will ever change. */
export function gaveUpFinding(node: string, { pod, budget, message, note }: Holdup): Finding {
  return finding(
    'DrainBlocked',
    `Draining ${node} gave up at once, by the policy for ${budgetName(pod, budget)}: ${nameOf(pod)}: ${message}${because(note)}`,
    ASK_THE_BUDGET,
  );
}

/** The deadline has passed. */
export function blockedFinding(node: string, { pod, budget, message, note }: Holdup, seconds: number): Finding {
  return finding(
    'DrainBlocked',
    `Draining ${node} gave up after ${seconds} s: ${nameOf(pod)} is held by ${budgetName(pod, budget)}: ${message}${because(note)}`,
    ASK_THE_BUDGET,
  );
}

/** By policy, before the cordon. */
export function gaveUpBeforeFinding(node: string, { pod, budget, message }: Holdup): Finding {
  return finding(
    'DrainBlocked',
    `Draining ${node} was not begun, by the policy for ${budgetName(pod, budget)}: ${nameOf(pod)}: ${message}`,
    ASK_THE_BUDGET,
  );
}

/** The time that a drain has is over before it was begun. */
export function heldBeforeFinding(node: string, { pod, kind, budget, message }: Holdup, seconds: number): Finding {
  if (kind === 'busy')
    return finding(
      'PodStuck',
      `Draining ${node} was not begun: for ${seconds} s ${nameOf(pod)} could not be evicted: ${message}`,
      `See why: kubectl drain ${node} --dry-run=server --ignore-daemonsets --delete-emptydir-data --force`,
    );
  return finding(
    'DrainBlocked',
    `Draining ${node} was not begun: for ${seconds} s ${nameOf(pod)} was held by ${budgetName(pod, budget)}: ${message}`,
    ASK_THE_BUDGET,
  );
}

export function neverFinding(node: string, { pod, budget, message }: Holdup, why: string): Finding {
  return finding(
    'NeverEvicted',
    `Draining ${node} was not begun: ${nameOf(pod)} can never be evicted: ${why} (${message})`,
    `Give ${budgetName(pod, budget)} minAvailable as a number of pods, or delete it: kubectl -n ${pod.namespace} describe poddisruptionbudget ${budget ?? ''}`.trimEnd(),
  );
}

export function stuckBeforeFinding(node: string, pod: PodFact): Finding {
  const { goneBy, terminationGraceSeconds: graceSeconds, finalizers } = pod;
  const since = goneBy === null ? 'does not go' : stuckText({ goneBy, graceSeconds, finalizers });
  return finding(
    'PodStuck',
    `Draining ${node} was not begun: ${nameOf(pod)} ${since}`,
    `kubectl -n ${pod.namespace} describe pod ${pod.name}: ${finalizers.length > 0 ? `whoever has set the finalizer ${finalizers.join(', ')} has to take it away` : `a volume or the runtime of ${node} does not let it go (there: journalctl -u kubelet)`}. Nothing is deleted by force.`,
  );
}

export function stuckFinding(node: string, pod: PodFact, seconds: number, why: string): Finding {
  return finding(
    'PodStuck',
    `Draining ${node} gave up after ${seconds} s: ${nameOf(pod)} ${why}`,
    `kubectl -n ${pod.namespace} describe pod ${pod.name}: a finalizer, a volume or the runtime of ${node} does not let it go. Nothing is deleted by force.`,
  );
}

function because(note: string | undefined): string {
  return note === undefined ? '' : `; ${note}`;
}
