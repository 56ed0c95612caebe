import { atOnce } from '../../at-once.ts';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import type { Probe } from '../../chain/wait.ts';
import { skipWithoutDrain } from '../../chain/without-drain.ts';
import { budgetsOver } from '../../cluster/budgets-over.ts';
import type { Budget, PodFact } from '../../cluster/cluster.ts';
import { needsEviction } from '../../cluster/pod-in-drain.ts';
import { isStuck } from '../../cluster/stuck-pod.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { hasTargetVersion } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import type { DrainPolicy } from '../../settings/drain.ts';
import { policyFor } from '../../settings/drain-policy.ts';
import { planDrain } from './drain-plan.ts';
import {
  gaveUpBeforeFinding,
  heldBeforeFinding,
  neverFinding,
  problemFinding,
  stuckBeforeFinding,
  twoBudgetsFinding,
} from './findings.ts';
import { type Holdup, holdupAfter, holdupText } from './holdups.ts';
import { nameOf } from './names.ts';
import { movesWithCordon, whyNever } from './never-evicted.ts';

/** What the disruption controller could not count is counted again within seconds, when it was only a moment's trouble. */
const NEVER_MS = 60_000;
/** A hundred dry runs at a slow API server. */
const LOOK_SECONDS = 120;

/** What one look leaves for the next, by uid. */
interface Asked {
  /** Of these the eviction would be accepted, or the drain deals with what it says. */
  readonly settled: Set<string>;
  readonly holdups: Map<string, Holdup>;
  /** Why no waiting would help, as of the last look. */
  readonly never: Map<string, string>;
}

/**
 * The eviction API is asked what it would say (`dryRun`) to every eviction of the drain that comes, as it alone counts all
 * of a budget. What is held is waited for here, where it costs no cordon. Left to the drain are pods whose policy goes
 * around a budget, and those that an operator moves only when their node is cordoned.
 */
export const evictable: ActionStep = {
  name: 'evictable',
  summary: "the node's pods may be evicted",
  async skip(context) {
    const { cordonedBy } = await context.node();
    const why = cordonedBy === null ? undefined : 'an earlier Job has begun to drain the node';
    return (await skipWithoutDrain(context)) ?? why;
  },
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  async run(context) {
    const node = await context.node();
    const { drainSeconds } = context.deps.settings.waits;
    const asked: Asked = { settled: new Set(), holdups: new Map(), never: new Map() };
    try {
      await context.waiter.until(
        `the budgets to let the pods of ${node.name} go`,
        async (_, signal) => await look({ ...context, signal }, node, asked),
        { seconds: drainSeconds, lookSeconds: LOOK_SECONDS, remedy: 'See which budgets hold them, and why.' },
      );
    } catch (error) {
      const isOver = error instanceof NightliftError && error.kind === 'timeout';
      if (!isOver || asked.holdups.size === 0) throw error;
      throw new Refused(
        [...asked.holdups].map(([uid, holdup]) => {
          const why = asked.never.get(uid);
          return why === undefined
            ? heldBeforeFinding(node.name, holdup, drainSeconds)
            : neverFinding(node.name, holdup, why);
        }),
      );
    }
  },
};

async function look(context: Context, node: NodeFact, asked: Asked): Promise<Probe<undefined>> {
  const { deps, signal } = context;
  const nowMs = deps.clock.now().getTime();
  const plan = planDrain(await deps.cluster.pods({ node: node.name }, signal), deps.settings.drain);
  if (plan.kind === 'refused') throw new Refused(plan.problems.map(problemFinding));
  // A node that is down lets no pod go until it is back, which is what its step is for.
  const stuck = node.ready === 'yes' ? plan.pods.filter(({ goneBy }) => goneBy !== null && isStuck(goneBy, nowMs)) : [];
  if (stuck.length > 0) throw new Refused(stuck.map((pod) => stuckBeforeFinding(node.name, pod)));
  const pods = plan.pods.filter(needsEviction);
  for (const uid of asked.holdups.keys()) if (!pods.some((pod) => pod.uid === uid)) asked.holdups.delete(uid);
  await ask(context, pods, asked);
  if (asked.holdups.size === 0) return { done: true, value: undefined };
  await judge(context, node.name, asked);
  if (asked.holdups.size === 0) return { done: true, value: undefined };
  return { done: false, missing: [...asked.holdups.values()].map(holdupText).join('; ') };
}

/** Asks of every pod that is not settled yet and whose time has come. */
async function ask({ deps, signal }: Context, pods: readonly PodFact[], { settled, holdups }: Asked): Promise<void> {
  const startMs = deps.clock.now().getTime();
  const due = pods.filter(({ uid }) => !settled.has(uid) && (holdups.get(uid)?.againMs ?? 0) <= startMs);
  await atOnce(due, deps.settings.drain.parallel, async (pod) => {
    const result = await deps.cluster.tryEviction(pod, signal);
    const holdup = holdupAfter(holdups.get(pod.uid), pod, result, deps.clock.now().getTime());
    if (holdup === undefined) {
      settled.add(pod.uid);
      holdups.delete(pod.uid);
    } else holdups.set(pod.uid, holdup);
  });
}

/** Settles what the drain is to deal with. @throws Refused with all that no waiting would change. */
async function judge({ deps, signal }: Context, node: string, asked: Asked): Promise<void> {
  const { settled, holdups, never } = asked;
  const budgets = await deps.cluster.budgets(signal);
  const nowMs = deps.clock.now().getTime();
  const refused: Finding[] = [];
  never.clear();
  for (const [uid, holdup] of holdups) {
    const verdict = verdictOn(node, holdup, budgets, deps.settings.drain.policies);
    if (verdict.kind === 'refuse') refused.push(verdict.finding);
    else if (verdict.kind === 'never') {
      never.set(uid, verdict.why);
      if (nowMs >= holdup.sinceMs + NEVER_MS) refused.push(neverFinding(node, holdup, verdict.why));
    } else if (verdict.kind === 'leave') {
      settled.add(uid);
      holdups.delete(uid);
      deps.log.info('leaving a pod that a budget holds to the drain', { pod: nameOf(holdup.pod), why: verdict.why });
    }
  }
  if (refused.length > 0) throw new Refused(refused);
}

type Verdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'leave' | 'never'; readonly why: string }
  | { readonly kind: 'refuse'; readonly finding: Finding };

/** What a pod that is held now means for a drain that has not begun. Pure. */
function verdictOn(
  node: string,
  holdup: Holdup,
  budgets: readonly Budget[],
  policies: readonly DrainPolicy[],
): Verdict {
  const { pod, kind, budget: named } = holdup;
  if (kind === 'busy') return { kind: 'wait' };
  const over = named === null ? budgetsOver(pod, budgets) : [named];
  const policy = policyFor(policies, pod.namespace, over);
  const isForEver = kind === 'impossible';
  if (policy.action === 'delete-after' || policy.action === 'restart-owner')
    return { kind: 'leave', why: `drain.policies says ${policy.action}` };
  if (isForEver) return { kind: 'refuse', finding: twoBudgetsFinding(node, pod, over) };
  if (policy.action === 'give-up') return { kind: 'refuse', finding: gaveUpBeforeFinding(node, holdup) };
  const budget = budgets.find(({ namespace, name }) => namespace === pod.namespace && over.includes(name));
  const why = whyNever(budget);
  if (why !== undefined) return { kind: 'never', why };
  if (!movesWithCordon(pod, budget)) return { kind: 'wait' };
  return { kind: 'leave', why: `${pod.owner?.kind} ${pod.owner?.name} may move it when the node is cordoned` };
}
