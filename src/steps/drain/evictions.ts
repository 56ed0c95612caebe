import { atOnce } from '../../at-once.ts';
import { Refused } from '../../chain/outcome.ts';
import type { Context } from '../../chain/phase.ts';
import type { LookCause, Probe } from '../../chain/wait.ts';
import { budgetsOver } from '../../cluster/budgets-over.ts';
import type { Budget, EvictionResult, PodFact, PodWatch } from '../../cluster/cluster.ts';
import { isUnavailable } from '../../cluster/kube-error.ts';
import { NightliftError } from '../../errors.ts';
import type { Finding } from '../../gate/finding.ts';
import { policyFor } from '../../settings/drain-policy.ts';
import { comesBack, planDrain } from './drain-plan.ts';
import { reactionTo } from './drain-policy.ts';
import { blockedFinding, gaveUpFinding, problemFinding, stuckFinding, twoBudgetsFinding } from './findings.ts';
import { type Holdup, holdupAfter, progressText, stuckSince } from './holdups.ts';
import { type DrainJournal, readJournal, writeJournal } from './journal.ts';
import { budgetName, nameOf } from './names.ts';
import { restartOwner } from './restart-owner.ts';

/** What one drain remembers between two looks, by uid: a pod of the same name may be another pod. */
interface Drain {
  /** With the signal of the look that is under way. */
  context: Context;
  readonly node: string;
  readonly watch: PodWatch;
  readonly startedMs: number;
  readonly holdups: Map<string, Holdup>;
  /** Told to go by this drain. */
  readonly told: Map<string, PodFact>;
  /** undefined before the first look. */
  journal: DrainJournal | undefined;
  /** The pods of the first look; undefined before it. */
  first: ReadonlySet<string> | undefined;
  /** What the last look saw; undefined when the API server did not answer. */
  staying: readonly PodFact[] | undefined;
  total: number;
}

/** A hundred evictions at a slow API server: what they say is wanted at the end of the wait, too. */
const LOOK_SECONDS = 60;

/** Evicts until the node is empty. @throws Refused when that is not to be, with every pod that is left and why. */
export async function evictAll(context: Context, node: string): Promise<void> {
  const drain: Drain = {
    context,
    node,
    watch: context.deps.cluster.watchPods(node, context.signal),
    startedMs: context.deps.clock.now().getTime(),
    holdups: new Map(),
    told: new Map(),
    journal: undefined,
    first: undefined,
    staying: undefined,
    total: 0,
  };
  const seconds = context.deps.settings.waits.drainSeconds;
  try {
    await context.waiter.until(`the pods of ${node} to leave`, (cause, signal) => look(drain, cause, signal), {
      seconds,
      remedy: 'See which pods are left and why; the node is uncordoned and looked at again next night.',
      changed: () => drain.watch.changed(),
      lookSeconds: LOOK_SECONDS,
    });
  } catch (error) {
    if (!(error instanceof NightliftError) || error.kind !== 'timeout' || drain.staying === undefined) throw error;
    throw new Refused(drain.staying.map((pod) => leftFinding(drain, pod, seconds)));
  } finally {
    drain.watch.close();
  }
  context.deps.log.info('drained', { node, pods: drain.total });
}

/** A change is the moment for pods that were not asked yet; those that are held are asked for again at the pace of the polls. */
async function look(drain: Drain, cause: LookCause, signal: AbortSignal): Promise<Probe<undefined>> {
  drain.context = { ...drain.context, signal };
  const { deps } = drain.context;
  drain.staying = undefined;
  drain.journal ??= await readJournal(drain.context, drain.node);
  let staying = stayingOf(drain, await drain.watch.pods());
  // That nothing is left is never said of what a watch has told.
  if (staying.length === 0) staying = stayingOf(drain, await deps.cluster.pods({ node: drain.node }, signal));
  drain.staying = staying;
  drain.total = Math.max(drain.total, staying.length);
  forgetGone(drain, staying);
  if (staying.length === 0) return { done: true, value: undefined };
  await evictDue(drain, cause === 'poll' ? staying : staying.filter(({ uid }) => !drain.holdups.has(uid)));
  if (cause === 'poll') {
    await writeJournal(drain.context, drain.node, drain.journal, drain.holdups.values());
    await react(drain);
  }
  return {
    done: false,
    missing: progressText(staying, drain.total, drain.holdups, deps.clock.now().getTime()),
  };
}

function stayingOf(drain: Drain, pods: readonly PodFact[]): readonly PodFact[] {
  const plan = planDrain(pods, drain.context.deps.settings.drain);
  if (plan.kind === 'refused') throw new Refused(plan.problems.map(problemFinding));
  const first = (drain.first ??= new Set(plan.pods.map(({ uid }) => uid)));
  return plan.pods.filter((pod) => first.has(pod.uid) || !comesBack(pod));
}

function forgetGone({ context, holdups }: Drain, staying: readonly PodFact[]): void {
  const there = new Set(staying.filter(({ deleting }) => !deleting).map(({ uid }) => uid));
  for (const uid of holdups.keys()) if (!there.has(uid)) letGo(context, holdups, uid);
}

function letGo({ deps }: Context, holdups: Map<string, Holdup>, uid: string): void {
  const holdup = holdups.get(uid);
  holdups.delete(uid);
  if (holdup === undefined || holdup.kind === 'busy') return;
  deps.log.info('a pod that was held goes', {
    pod: nameOf(holdup.pod),
    budget: holdup.budget,
    heldSeconds: Math.round((deps.clock.now().getTime() - holdup.sinceMs) / 1000),
  });
}

/** Asks for every pod that was not told yet and whose time has come, so many at a time. */
async function evictDue({ context, holdups, told, journal }: Drain, staying: readonly PodFact[]): Promise<void> {
  const { clock, settings } = context.deps;
  const start = clock.now().getTime();
  const due = staying.filter(
    (pod) => !pod.deleting && !told.has(pod.uid) && (holdups.get(pod.uid)?.againMs ?? 0) <= start,
  );
  await atOnce(due, settings.drain.parallel, async (pod) => {
    const result = await evictOrLater(context, pod);
    if (result === undefined) return;
    const holdup = holdupAfter(holdups.get(pod.uid), pod, result, clock.now().getTime(), journal?.get(pod.uid));
    if (holdup !== undefined) holdups.set(pod.uid, holdup);
    else {
      told.set(pod.uid, pod);
      letGo(context, holdups, pod.uid);
    }
  });
}

/** undefined while the API server is away. */
async function evictOrLater({ deps, signal }: Context, pod: PodFact): Promise<EvictionResult | undefined> {
  try {
    return await deps.cluster.evict(pod, signal);
  } catch (error) {
    if (isUnavailable(error)) return undefined;
    throw error;
  }
}

/** What the policies say to do about the pods that are held now. */
async function react(drain: Drain): Promise<void> {
  const { context, holdups, node } = drain;
  const { deps } = context;
  const { policies } = deps.settings.drain;
  const { drainSeconds } = deps.settings.waits;
  const held = [...holdups.values()].filter(({ kind }) => kind !== 'busy');
  const budgets = await budgetsFor(context, held);
  const gaveUp: Finding[] = [];
  for (const holdup of held) {
    const { pod, budget } = holdup;
    const over = budget === null ? budgetsOver(pod, budgets) : [budget];
    const isForEver = holdup.kind === 'impossible';
    const blockedMs = deps.clock.now().getTime() - holdup.sinceMs;
    // Only after a Job that was killed: this drain's own wait ends by itself, and then says of every pod why it is left.
    const isOverdue = holdup.sinceMs < drain.startedMs && blockedMs >= drainSeconds * 1000;
    const isOwnDoing = !isForEver && isBeingReplaced(drain, pod, over, budgets);
    const reaction = reactionTo(policyFor(policies, pod.namespace, over), { isForEver, blockedMs, isOwnDoing });
    if (reaction === 'delete') {
      await deleteAround(drain, holdup, blockedMs);
    } else if (reaction === 'restart' && holdup.note === undefined) {
      const { helps, note } = await restartOwner(context, pod);
      holdups.set(pod.uid, { ...holdup, note });
      if (!helps && isForEver) gaveUp.push(twoBudgetsFinding(node, pod, over));
      else if (isOverdue) gaveUp.push(blockedFinding(node, { ...holdup, note }, drainSeconds));
    } else if (reaction === 'give-up') {
      gaveUp.push(isForEver ? twoBudgetsFinding(node, pod, over) : gaveUpFinding(node, holdup));
    } else if (reaction === 'wait' && isOverdue) {
      gaveUp.push(blockedFinding(node, holdup, drainSeconds));
    }
  }
  if (gaveUp.length > 0) throw new Refused(gaveUp);
}

/** Read only when the answers to the evictions do not say enough: which budgets there are, and whether to give up. */
async function budgetsFor({ deps, signal }: Context, held: readonly Holdup[]): Promise<readonly Budget[]> {
  const { policies } = deps.settings.drain;
  const isAsked = held.some(
    ({ pod, budget }) => budget === null || policyFor(policies, pod.namespace, [budget]).action === 'give-up',
  );
  return isAsked ? await deps.cluster.budgets(signal) : [];
}

/** True while this very drain is what keeps a budget busy: a pod that it took from under it is not replaced yet. */
function isBeingReplaced(
  { told, staying = [] }: Drain,
  { namespace }: PodFact,
  over: readonly string[],
  budgets: readonly Budget[],
): boolean {
  return budgets
    .filter((budget) => budget.namespace === namespace && over.includes(budget.name))
    .some((budget) => {
      const taken = [...told.values()].filter((pod) => budgetsOver(pod, [budget]).length > 0);
      const isLeaving = taken.some(({ uid }) => staying.some((pod) => pod.uid === uid));
      return isLeaving || (taken.length > 0 && budget.currentHealthy < budget.expectedPods);
    });
}

async function deleteAround({ context, holdups, told }: Drain, holdup: Holdup, blockedMs: number): Promise<void> {
  const { deps, signal } = context;
  const { pod, budget } = holdup;
  await deps.cluster.deletePod(pod, signal);
  told.set(pod.uid, pod);
  holdups.delete(pod.uid);
  deps.log.warn('DELETED a pod around its budget, as drain.policies says (delete-after)', {
    pod: nameOf(pod),
    budget: budgetName(pod, budget),
    heldSeconds: Math.round(blockedMs / 1000),
    graceSeconds: pod.terminationGraceSeconds,
  });
}

function leftFinding({ context, holdups, node }: Drain, pod: PodFact, seconds: number): Finding {
  const holdup = holdups.get(pod.uid);
  if (holdup !== undefined && holdup.kind !== 'busy') return blockedFinding(node, holdup, seconds);
  const why =
    (holdup === undefined ? undefined : `could not be evicted: ${holdup.message}`) ??
    stuckSince(pod, context.deps.clock.now().getTime()) ??
    `is still ${pod.deleting ? 'terminating' : 'there'} (grace ${pod.terminationGraceSeconds} s)`;
  return stuckFinding(node, pod, seconds, why);
}
