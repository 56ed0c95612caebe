import { atOnce } from '../at-once.ts';
import { budgetsOver } from '../cluster/budgets-over.ts';
import type { Budget, PodFact } from '../cluster/cluster.ts';
import { needsEviction } from '../cluster/pod-in-drain.ts';
import { NightliftError } from '../errors.ts';
import { isOnTarget, type Nodes, workers } from '../facts/nodes.ts';
import { announce } from '../notify/announce.ts';
import { CHAIN_SELECTOR } from '../observe/chain-jobs.ts';
import { isOneByOne } from '../settings/rollout.ts';
import { busyWorkers } from './at-work.ts';
import { composeEvent } from './compose-event.ts';
import { ensureJob } from './ensure-job.ts';
import { failuresOf } from './failures.ts';
import type { Outcome } from './outcome.ts';
import type { Context } from './phase.ts';
import { placement } from './placement.ts';
import { type NextSteps, nextSteps, type RolloutView } from './rollout.ts';
import { recordStop } from './run-record.ts';
import { jobName, nodeOf, type Step, stepName } from './step.ts';
import { underLock } from './under-lock.ts';

const AT_ONCE = 4;

/**
 * Makes sure that every Job exists that should exist now: whoever ends looks, so that whichever is last goes on. Under the lock of
 * the chain, as two that look at once could take more nodes away than are allowed. A pause between two batches is told and not waited for.
 */
export async function spawnNext(context: Context): Promise<Outcome | { readonly kind: 'pause'; readonly ms: number }> {
  const { deps, target, signal, step } = context;
  await context.waiter.mayGoOn();
  const masters = await deps.cluster.controlPlanes(signal);
  const { next, view } = await nextOf(context, masters);
  const own = view.nodes.find(({ name }) => name === nodeOf(step));
  if (own !== undefined && !isOnTarget(own, target) && !next.failed.has(own.name)) {
    throw new NightliftError('phase', `finishing ${stepName(step)}: the cluster does not show ${target} on it`, {
      remedy: 'See the log above; the node is looked at again next night.',
    });
  }
  if (next.pauseMs > 0) return { kind: 'pause', ms: next.pauseMs };
  const [first, ...others] = next.steps;
  if (first === undefined) return next.atWork.length > 0 ? leftToOthers(next) : await partlyDone(context, next, view);
  const names = [];
  for (const one of [first, ...others]) names.push(await ensure(context, one, masters, next));
  const [job = '', ...more] = names;
  return { kind: 'advanced', next: first, job, ...(more.length === 0 ? {} : { beside: more }) };
}

/** The Job runs on a control plane: the others are read when none of those can run it, and then those that are to stay. */
async function ensure({ deps, target, signal }: Context, step: Step, masters: Nodes, next: NextSteps): Promise<string> {
  const places = async (): Promise<Nodes> => {
    if (placement(step, masters, target).kind !== 'none') return masters;
    const nodes = await deps.cluster.nodes(signal);
    const leaving = new Set([...next.atWork, ...next.steps.map((one) => nodeOf(one) ?? '')]);
    const staying = nodes.filter(({ name, role }) => role !== 'worker' || !leaving.has(name));
    return placement(step, staying, target).kind === 'none' ? nodes : staying;
  };
  return (await ensureJob(deps, { step, target, nodes: await places(), reached: false, signal })).name;
}

function leftToOthers({ atWork }: NextSteps): Outcome {
  return { kind: 'left-to-others', atWork };
}

/** Nobody is left to go on: what was not upgraded is named, and the run is not called complete. */
async function partlyDone(context: Context, { failed, stopped: why }: NextSteps, view: RolloutView): Promise<Outcome> {
  const { deps, target, signal, step } = context;
  const pending = workers(view.nodes).filter((node) => !isOnTarget(node, target));
  const untried = pending.filter(({ name }) => !failed.has(name)).map(({ name }) => name);
  const all = [...failed].map(([node, { why }]) => ({ node, why }));
  const stopped = untried.length === 0 ? undefined : why;
  const summary = all.map(({ node, why }) => `${node} (${why})`).join('; ');
  await recordStop(context, `partly done: not upgraded: ${summary}`, { as: 'failed', step, takenBack: [] });
  deps.log.warn('the run is only partly done', { failed: summary, untried: untried.length });
  await announce(deps, composeEvent({ kind: 'partly', target, failed: all, untried, stopped }), signal);
  return { kind: 'partly', failed: all, untried };
}

/** What comes next, of nodes that are there and are ours. */
async function nextOf(context: Context, masters: Nodes): Promise<{ next: NextSteps; view: RolloutView }> {
  const { deps, target, signal } = context;
  const { rollout } = deps.settings;
  const pods = rollout.order === 'fewest-pods' ? { pods: await podsByNode(deps, signal) } : {};
  // Before the nodes: of a Job that ends in between, the node shows by then what it has come to.
  const jobs = isOneByOne(rollout) ? undefined : await deps.cluster.jobs(CHAIN_SELECTOR, signal, 'open');
  const night = jobs === undefined ? '' : await nightOf(context);
  let others = (await deps.cluster.outlines(signal)).filter(({ role }) => role === 'worker');
  const known = jobs === undefined ? {} : { busy: busyWorkers(jobs), failed: failuresOf(others, jobs, target, night) };
  const ours = new Set<string>();
  for (;;) {
    const nodes = [...masters, ...others];
    const view = { nodes, target, rollout, now: deps.clock.now(), ...pods, ...known };
    const next = await nextWithBudgets(context, view);
    const asked = next.steps.flatMap((step) => (step.phase === 'worker' && !ours.has(step.node) ? step.node : []));
    const found = await atOnce(asked, AT_ONCE, (name) => deps.cluster.node(name, signal));
    const gone = new Set(asked.filter((_, index) => found[index] === undefined));
    if (gone.size === 0) return { next, view };
    for (const name of asked) ours.add(name);
    others = others.filter(({ name }) => !gone.has(name));
  }
}

/** When the preflight of this night was made, by the API server; empty when there is none. */
export async function nightOf({ deps, target, signal }: Pick<Context, 'deps' | 'target' | 'signal'>): Promise<string> {
  return (await deps.cluster.job(jobName({ phase: 'preflight' }, target, undefined), signal))?.createdAt ?? '';
}

async function podsByNode({ cluster }: Pick<Context['deps'], 'cluster'>, signal: AbortSignal) {
  const start = () => new Map<string, number>();
  return await cluster.foldPods(
    {},
    start,
    (counts, { node }) => {
      if (node !== null) counts.set(node, (counts.get(node) ?? 0) + 1);
    },
    signal,
  );
}

/** So many nodes are looked at for budgets that they share; what is not known by then does not go. */
const MOST_READ = 200;

/** Which nodes hold pods of the same budgets is looked at when more than one is to be away, of those alone. */
async function nextWithBudgets({ deps, signal }: Context, plain: RolloutView): Promise<NextSteps> {
  const held = new Map<string, ReadonlyMap<string, number>>();
  let allows: ReadonlyMap<string, number> = new Map();
  for (;;) {
    const next = nextSteps({ ...plain, held, allows });
    const together = [...next.atWork, ...next.steps.flatMap((step) => (step.phase === 'worker' ? step.node : []))];
    const unread = together.length < 2 ? [] : together.filter((name) => !held.has(name));
    if (unread.length === 0) return next;
    if (held.size >= MOST_READ) {
      const looked = next.steps.filter((step) => held.has(nodeOf(step) ?? ''));
      // One alone waits for its budgets by itself.
      return { ...next, steps: looked.length + next.atWork.length > 0 ? looked : next.steps.slice(0, 1) };
    }
    const pods = await atOnce(unread, AT_ONCE, (node) => deps.cluster.pods({ node }, signal));
    // After the pods: what was evicted before they were read counts against its budget by now, and what is evicted later counts twice.
    const budgets = await deps.cluster.budgets(signal);
    allows = new Map(budgets.map((one) => [`${one.namespace}/${one.name}`, one.disruptionsAllowed]));
    unread.forEach((node, index) => held.set(node, podsByBudget(pods[index] ?? [], budgets)));
  }
}

function podsByBudget(pods: readonly PodFact[], budgets: readonly Budget[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const pod of pods.filter(needsEviction))
    for (const name of budgetsOver(pod, budgets)) {
      const key = `${pod.namespace}/${name}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return counts;
}

/** Looks until nothing has to be waited for. The pause between two batches is waited for by whoever is last, without a lock of its own. */
export async function goOn({ waiter }: Context, look: () => ReturnType<typeof spawnNext>): Promise<Outcome> {
  for (;;) {
    const found = await look();
    if (found.kind !== 'pause') return found;
    await waiter.pass('the pause between two batches', found.ms / 1000, () => Promise.resolve());
  }
}

/** The same for whoever does not have the lock of the chain. */
export async function goOnBeside(context: Context): Promise<Outcome> {
  return await goOn(context, () => underLock(context, spawnNext, 'look'));
}
