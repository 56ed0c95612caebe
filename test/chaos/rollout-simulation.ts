import type { ActionStep, Phase } from '../../src/chain/phase.ts';
import { RUN_LEASE } from '../../src/chain/run-lock.ts';
import { runPhase } from '../../src/chain/run-phase.ts';
import { jobName, nodeOf, type Step } from '../../src/chain/step.ts';
import { isWorthAnotherTry } from '../../src/chain/worth-another-try.ts';
import type { Clock } from '../../src/clock.ts';
import type { Cluster, JobManifest, PodFact } from '../../src/cluster/cluster.ts';
import { exampleBudget, examplePod } from '../../src/cluster/example-pod.ts';
import type { Deps } from '../../src/deps.ts';
import { NightliftError } from '../../src/errors.ts';
import { exampleNode } from '../../src/facts/example-facts.ts';
import type { JobFact } from '../../src/facts/facts.ts';
import type { NodeFact } from '../../src/facts/node-fact.ts';
import { controlPlanes, hasTargetVersion, isOnTarget, workers } from '../../src/facts/nodes.ts';
import { Rollout, sharedOut } from '../../src/settings/rollout.ts';
import { nodesReady } from '../../src/steps/health/nodes-ready.ts';
import { uncordon, undoCordon } from '../../src/steps/node/cordon.ts';
import { begin, finish } from '../../src/steps/node/unfinished.ts';
import { exampleJob, exampleWorld } from '../support/example-deps.ts';
import { leaseMemory } from '../support/lease-memory.ts';

export const TARGET = '1.36.4';
const OLD = '1.36.3';
export const GROUP = 'gen';
const ZONE = 'topology.kubernetes.io/zone';
const RETRIES = 1;

export interface WorkerOf {
  readonly group: string | null;
  readonly zone: string | null;
  /** The budget that is over its one pod. */
  readonly budget: string | null;
}

/** What happens in the middle, so many seconds after the beginning. */
export type Incident = { readonly at: number; readonly which: number } & (
  | { readonly kind: 'join'; readonly worker: WorkerOf }
  | { readonly kind: 'vanish' }
  | { readonly kind: 'relabel'; readonly worker: WorkerOf }
  /** For somebody else's reasons, for a while. */
  | { readonly kind: 'down'; readonly seconds: number }
  | { readonly kind: 'clock'; readonly seconds: number }
);

export interface Scene {
  readonly planes: number;
  readonly workers: readonly WorkerOf[];
  readonly rollout: object;
  /** How many pods each budget lets go. */
  readonly allows: Readonly<Record<string, number>>;
  readonly incidents: readonly Incident[];
  /** Workers by number whose upgrade fails for good tonight. */
  readonly broken: readonly number[];
  /** For each pod of a Job in turn: after how many of its requests it dies; 0 = it lives. */
  readonly fuses: readonly number[];
  /** How long requests take, in turn; milliseconds. */
  readonly delays: readonly number[];
}

export interface Simulated {
  /** What must never be, at any moment. */
  readonly defects: readonly string[];
  readonly nights: number;
  /** Workers in the order in which the chain began with them. */
  readonly begun: readonly string[];
  /** How many workers were away at once at most. */
  readonly mostAway: number;
  readonly kills: number;
  /** What was said, night by night. */
  readonly said: readonly (readonly string[])[];
  readonly nodes: readonly NodeFact[];
}

const MOST_NIGHTS = 12;
const NIGHT_SECONDS = 86_400;
const never = <T>(): Promise<T> => new Promise(() => undefined);

/**
 * The chain's own code (phases, locks, who goes on) over nodes, Jobs and Leases in memory and a clock of its own: Jobs run beside
 * each other, die at any request, and come back. Night after night, until all is done; from the second one on nothing happens any more.
 */
export async function simulate(scene: Scene): Promise<Simulated> {
  const rollout = Rollout.parse(scene.rollout);
  const workerOf = (name: string, { group, zone }: WorkerOf): NodeFact =>
    exampleNode(name, {
      kubelet: OLD,
      labels: { ...(group === null ? {} : { [GROUP]: group }), ...(zone === null ? {} : { [ZONE]: zone }) },
    });
  const budgetOf = new Map(scene.workers.map(({ budget }, index) => [`node-${index}`, budget]));
  const broken = new Set(scene.broken.map((index) => `node-${index}`));
  const isChurned = scene.incidents.some(({ kind }) => ['join', 'vanish', 'relabel'].includes(kind));
  /** A Job is of tonight when it is not older than tonight's preflight, by the API server: set back by hours, its failure goes unseen. */
  const isSetBack = scene.incidents.some((one) => one.kind === 'clock' && one.seconds < 0);
  const defects = new Set<string>();
  const begun: string[] = [];
  const failedTonight = new Set<string>();
  const drained = new Set<string>();
  const downUntil = new Set<string>();
  let [mostAway, mostWorkers, kills, pods, requests, night] = [0, scene.workers.length, 0, 0, 0, 0];

  const leases = leaseMemory();
  /** Who has the lock of the chain, and what had failed when it was taken: what fails while somebody looks is known to the next one. */
  let looker = '';
  let knownFailed: ReadonlySet<string> = new Set();

  /** Pods of Jobs that live, and how each is killed. */
  const alive = new Map<string, () => void>();
  const running = new Set<Promise<void>>();

  const remaining = (): readonly PodFact[] =>
    world.nodes.flatMap(({ name }) => {
      const app = budgetOf.get(name) ?? null;
      return app === null || drained.has(name) ? [] : [examplePod(`${app}-${name}`, { node: name, labels: { app } })];
    });
  /** As the disruption controller counts: what is away counts against it until it is back. */
  const letsGo = (app: string): number => {
    const away = [...drained].filter((name) => budgetOf.get(name) === app).length;
    return Math.max(0, (scene.allows[app] ?? 0) - away);
  };

  const cluster: Partial<Cluster> = {
    pods: async ({ node }) => remaining().filter((pod) => node === undefined || pod.node === node),
    budgets: async () =>
      Object.keys(scene.allows).map((app) => exampleBudget(app, { disruptionsAllowed: letsGo(app) })),
    jobs: async (_, __, which) =>
      [...world.jobs.values()].filter(({ status }) => which !== 'open' || status !== 'complete'),
    createJob: async (manifest) => {
      const { name } = manifest.metadata;
      if (world.jobs.has(name)) return 'exists';
      const step = stepOf(manifest);
      judgeBeginning(step);
      const fact = exampleJob(name, {
        phase: step.phase,
        target: TARGET,
        node: nodeOf(step) ?? null,
        createdAt: world.clock.now().toISOString(),
        retriesLeft: RETRIES,
      });
      world.jobs.set(name, fact);
      start(controlJob(step, fact));
      return 'created';
    },
    deleteJob: async (name) => {
      world.jobs.delete(name);
      for (const [pod, kill] of alive) if (pod.startsWith(`${name}-`)) kill();
    },
    ...leases,
    writeLease: async (name, next, ...rest) => {
      const isWritten = await leases.writeLease(name, next, ...rest);
      if (isWritten && name === RUN_LEASE && next.holder !== looker) {
        looker = next.holder;
        knownFailed = new Set(failedTonight);
      }
      return isWritten;
    },
    markFailed: async (name, failed) => {
      failedTonight.add(name);
      change(name, { failed });
    },
  };
  const world = exampleWorld({
    nodes: [
      ...Array.from({ length: scene.planes }, (_, index) => exampleNode(`cp-${index}`, { kubelet: OLD })),
      ...scene.workers.map((worker, index) => workerOf(`node-${index}`, worker)),
    ],
    settings: {
      job: { image: 'nightlift:test', retries: RETRIES },
      waits: { alertSeconds: 600 },
      rollout: scene.rollout,
    },
    cluster,
  });
  const { clock } = world;

  const change = (name: string, fields: Partial<NodeFact>): void => {
    world.nodes = world.nodes.map((node) => (node.name === name ? { ...node, ...fields } : node));
  };
  const nodeNamed = (name: string): NodeFact | undefined => world.nodes.find((node) => node.name === name);
  const activeJobs = (): readonly JobFact[] => [...world.jobs.values()].filter(({ status }) => status === 'active');
  /** Workers with a Job that has something to do. */
  const atWork = (): readonly string[] =>
    activeJobs().flatMap(({ phase, node }) => {
      const fact = phase === 'worker' && node !== null ? nodeNamed(node) : undefined;
      return fact === undefined || isOnTarget(fact, TARGET) || failedTonight.has(fact.name) ? [] : [fact.name];
    });
  /** A Job whose pods die when its node is finished, while they look for who is next, is no failure of the node. */
  const hasFailed = (node: NodeFact): boolean => knownFailed.has(node.name) && !isOnTarget(node, TARGET);
  const groupOf = (node: NodeFact): string => (rollout.groups === null ? '' : (node.labels[GROUP] ?? '-'));
  const limitOf = (total: number): number => sharedOut(rollout.maxUnavailable, total);

  /** By us: cordoned, or its kubelet is stopped; for somebody else's reasons a node may be down as well. */
  function lookAround(): void {
    mostWorkers = Math.max(mostWorkers, workers(world.nodes).length);
    const ours = world.nodes.filter(
      ({ name, cordonedBy, ready }) => cordonedBy !== null || (ready !== 'yes' && !downUntil.has(name)),
    );
    const planes = controlPlanes(ours).filter(({ cordonedBy }) => cordonedBy !== null);
    const away = workers(ours);
    const named = away.map(({ name }) => name).join(', ');
    mostAway = Math.max(mostAway, away.length);
    if (planes.length > 1) defects.add('two control planes are away at once');
    if (planes.length > 0 && away.length > 0) defects.add(`${planes[0]?.name} is away beside ${named}`);
    if (away.length > limitOf(mostWorkers)) defects.add(`${named} are away at once`);
    if (isChurned) return;
    const { groups } = rollout;
    if (groups?.maxUnavailable !== undefined && groups.maxUnavailable !== null)
      for (const [group, members] of Map.groupBy(away, groupOf)) {
        const all = workers(world.nodes).filter((node) => groupOf(node) === group).length;
        if (members.length > sharedOut(groups.maxUnavailable, all))
          defects.add(`${named} of one group are away at once`);
      }
    const zones = new Set(away.map(({ labels }) => labels[ZONE]));
    if (rollout.zones === 'one-at-a-time' && away.length > 1 && (zones.size > 1 || zones.has(undefined)))
      defects.add(`${named} of two zones are away at once`);
  }

  /** A Job is made by whoever has looked; nodes that come, go and change their labels meanwhile are another matter. */
  function judgeBeginning(step: Step): void {
    const pending = world.nodes.filter((node) => !isOnTarget(node, TARGET));
    if (step.phase === 'postflight' && pending.length > 0 && !isChurned) defects.add('postflight before the end');
    if (step.phase === 'master' && atWork().length > 0 && !isChurned)
      defects.add(`${step.node} is begun beside ${atWork().join(', ')}`);
    if (step.phase !== 'worker') return;
    if (!isChurned && controlPlanes(pending).length > 0) defects.add(`${step.node} before a control plane`);
    const own = nodeNamed(step.node);
    if (own === undefined || isChurned) return;
    if (!begun.includes(own.name)) begun.push(own.name);
    const group = workers(world.nodes).filter((node) => groupOf(node) === groupOf(own));
    const others = atWork().filter((name) => name !== own.name);
    const finished = group.filter((node) => isOnTarget(node, TARGET)).length;
    const canaries = Math.min(rollout.canary.perGroup, group.length);
    if (finished < canaries) {
      const here = group.filter(({ name }) => others.includes(name)).length;
      if (finished + here + 1 > canaries) defects.add(`${own.name} is begun before the canaries of its group`);
      const dead = isSetBack ? undefined : group.find(hasFailed);
      if (dead !== undefined) defects.add(`${own.name} is begun after the canary ${dead.name} has failed`);
    }
    if (!isSetBack && world.nodes.filter(hasFailed).length > rollout.maxFailed)
      defects.add(`${own.name} is begun after too many have failed`);
    if (rollout.batch !== null && others.length >= rollout.batch) defects.add(`${own.name} is more than the batch`);
    if (others.some((name) => groupOf(nodeNamed(name) ?? own) !== groupOf(own)))
      defects.add(`${own.name} is begun beside another group`);
    const app = budgetOf.get(own.name) ?? null;
    // Who is back in service with the version has its pod back as well, and is only watched.
    const isBack = (node: NodeFact | undefined): boolean =>
      node !== undefined && node.cordonedBy === null && hasTargetVersion(node, TARGET);
    const sharing = app === null ? [] : others.filter((name) => budgetOf.get(name) === app && !isBack(nodeNamed(name)));
    if (app !== null && sharing.length > 0 && sharing.length + 1 > (scene.allows[app] ?? 0))
      defects.add(`${own.name} and ${sharing.join(', ')} hold pods of ${app}`);
  }

  /** Does not come back for whoever is dead. */
  function mortal(identity: string, fuse: number): { deps: Deps; died: Promise<'killed'> } {
    let isDead = false;
    let left = fuse === 0 ? Number.POSITIVE_INFINITY : fuse;
    const { promise: died, resolve } = Promise.withResolvers<'killed'>();
    const die = (): void => {
      isDead = true;
      alive.delete(identity);
      resolve('killed');
    };
    alive.set(identity, die);
    const own: Clock = {
      ...clock,
      sleep: async (ms, signal) => {
        if (isDead) return await never();
        await clock.sleep(ms, signal);
        if (isDead) await never();
      },
    };
    const port = new Proxy(world.deps.cluster, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...call: readonly unknown[]): Promise<unknown> => {
          requests += 1;
          const ms = scene.delays.length === 0 ? 0 : (scene.delays[requests % scene.delays.length] ?? 0);
          if (ms > 0) await own.sleep(ms);
          left -= 0.5;
          if (left <= 0 && !isDead) {
            kills += 1;
            die();
          }
          if (isDead) return await never();
          const answer: unknown = await Reflect.apply(method, target, call);
          lookAround();
          left -= 0.5;
          if (left <= 0) {
            kills += 1;
            die();
            return await never();
          }
          return answer;
        };
      },
    });
    return { deps: { ...world.deps, identity, clock: own, cluster: port }, died };
  }

  const phases = phasesOf({ change, drained, budgetOf, letsGo, broken, downUntil });

  async function controlJob(step: Step, { name, createdAt }: JobFact): Promise<void> {
    const set = (fields: Partial<JobFact>): boolean => {
      const fact = world.jobs.get(name);
      if (fact?.createdAt !== createdAt) return false;
      world.jobs.set(name, { ...fact, ...fields });
      return true;
    };
    for (let tries = RETRIES; ; tries -= 1) {
      if (!set({ retriesLeft: tries })) return;
      await clock.sleep(1000);
      const fuse = night === 1 ? (scene.fuses[pods % Math.max(1, scene.fuses.length)] ?? 0) : 0;
      pods += 1;
      const identity = `${name}-${String(pods).padStart(5, '0')}`;
      const { deps, died } = mortal(identity, fuse);
      const ended = runPhase(phases[step.phase], step, TARGET, deps, new AbortController().signal).then(
        ({ kind }) => kind,
        // As the podFailurePolicy of templates/job.yaml has it.
        (error: unknown) => (isWorthAnotherTry(error) ? ('again' as const) : ('failed' as const)),
      );
      const how = await Promise.race([ended, died]);
      alive.delete(identity);
      if (how === 'failed') return void set({ status: 'failed', reason: 'PodFailurePolicy' });
      if (how !== 'killed' && how !== 'again') return void set({ status: 'complete' });
      if (tries === 0) {
        if (step.phase === 'worker') failedTonight.add(step.node);
        return void set({ status: 'failed', reason: 'BackoffLimitExceeded' });
      }
      await clock.sleep(10_000);
    }
  }

  function start(job: Promise<void>): void {
    const kept: Promise<void> = job
      .catch((error: unknown) => void defects.add(`the simulation has failed: ${String(error)}`))
      .finally(() => running.delete(kept));
    running.add(kept);
  }

  async function happen(incident: Incident): Promise<void> {
    await clock.sleep(incident.at * 1000);
    const all = workers(world.nodes);
    const which = all[incident.which % Math.max(1, all.length)];
    switch (incident.kind) {
      case 'join': {
        const name = `node-new-${incident.which}-${incident.at}`;
        if (nodeNamed(name) !== undefined) return;
        budgetOf.set(name, incident.worker.budget);
        world.nodes = [...world.nodes, workerOf(name, incident.worker)];
        return;
      }
      case 'vanish':
        if (which !== undefined && all.length > 1) {
          world.nodes = world.nodes.filter((node) => node !== which);
          drained.delete(which.name);
        }
        return;
      case 'relabel':
        if (which !== undefined) change(which.name, { labels: workerOf('', incident.worker).labels });
        return;
      case 'down':
        if (which === undefined || which.ready !== 'yes') return;
        downUntil.add(which.name);
        change(which.name, { ready: 'no' });
        await clock.sleep(incident.seconds * 1000);
        downUntil.delete(which.name);
        change(which.name, { ready: 'yes' });
        return;
      case 'clock':
        clock.jump(incident.seconds * 1000);
    }
  }

  const said: string[][] = [];
  const happening = Promise.all(scene.incidents.map(happen));
  for (;;) {
    night += 1;
    if (night > 1) broken.clear();
    failedTonight.clear();
    knownFailed = new Set();
    const heard = world.seen.messages.length;
    const preflight = jobName({ phase: 'preflight' }, TARGET, undefined);
    const signal = new AbortController().signal;
    for (const { name, phase } of world.jobs.values())
      if (phase === 'preflight' || phase === 'postflight') await cluster.deleteJob?.(name, signal);
    await cluster.createJob?.(manifestOf(preflight, { phase: 'preflight' }), signal);
    while (running.size > 0) await Promise.all(running);
    if (night === 1) await happening;
    while (running.size > 0) await Promise.all(running);
    said.push(world.seen.messages.slice(heard).map(({ text }) => text));
    const jobs = [...world.jobs.values()];
    const isOver = jobs.some(({ phase, status }) => phase === 'postflight' && status === 'complete');
    const left = world.nodes.filter((node) => !isOnTarget(node, TARGET)).map(({ name }) => name);
    if (isOver && left.length === 0) break;
    if (said.at(-1)?.length === 0 && !isOver && !jobs.some(({ status }) => status === 'failed'))
      defects.add(`night ${night}: nobody is at work on ${left.join(', ')}, and nothing says why`);
    if (night === MOST_NIGHTS) {
      defects.add(`after ${night} nights these are not done: ${left.join(', ')}`);
      break;
    }
    await clock.sleep(NIGHT_SECONDS * 1000);
  }
  return { defects: [...defects], nights: night, begun, mostAway, kills, said, nodes: world.nodes };
}

function stepOf({ metadata }: JobManifest): Step {
  const { annotations = {}, labels } = metadata as unknown as {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
  const node = annotations['nightlift/node'] ?? '';
  const phase = labels['phase'];
  if (phase === 'master' || phase === 'worker') return { phase, node };
  return { phase: phase === 'preflight' ? 'preflight' : 'postflight' };
}

function manifestOf(name: string, { phase }: Step): JobManifest {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, labels: { phase } }, spec: {} };
}

interface Hands {
  readonly change: (name: string, fields: Partial<NodeFact>) => void;
  readonly drained: Set<string>;
  readonly budgetOf: ReadonlyMap<string, string | null>;
  readonly letsGo: (app: string) => number;
  readonly broken: ReadonlySet<string>;
  /** Down for somebody else's reasons. */
  readonly downUntil: ReadonlySet<string>;
}

/** The phases' own steps where they decide, and what the others do to a node. */
function phasesOf({
  change,
  drained,
  budgetOf,
  letsGo,
  broken,
  downUntil,
}: Hands): Readonly<Record<Step['phase'], Phase>> {
  const drain: ActionStep = {
    name: 'drain',
    summary: 'cordon and drain',
    isDone: async (context) => hasTargetVersion(await context.node(), TARGET),
    async run(context) {
      const { name, cordonedBy } = await context.node();
      const { cluster, clock } = context.deps;
      if (cordonedBy === null) await cluster.cordon(name, `${TARGET} ${clock.now().toISOString()}`, context.signal);
      const app = budgetOf.get(name) ?? null;
      await context.waiter.until(
        `the pods of ${name} to be gone`,
        async () => {
          await context.node();
          if (app !== null && !drained.has(name) && letsGo(app) === 0) return { done: false, missing: app };
          drained.add(name);
          return { done: true, value: undefined };
        },
        { seconds: 300, remedy: '' },
      );
    },
    async undo(context) {
      drained.delete((await context.node()).name);
      await undoCordon(context);
    },
  };
  const upgrade: ActionStep = {
    name: 'node-upgrade',
    summary: 'upgrade',
    critical: true,
    isDone: async (context) => {
      const node = await context.node();
      return hasTargetVersion(node, TARGET) && node.ready === 'yes';
    },
    async run(context) {
      const { name, role } = await context.node();
      if (broken.has(name)) throw new NightliftError('node', `upgrading ${name}: no space left`, { remedy: '' });
      change(name, { ready: 'no' });
      await context.deps.clock.sleep(20_000, context.signal);
      await context.node();
      change(name, { kubelet: TARGET, ...(role === 'worker' ? {} : { apiServer: TARGET }) });
      await context.deps.clock.sleep(5000, context.signal);
      if (!downUntil.has(name)) change(name, { ready: 'yes' });
    },
  };
  const back: ActionStep = {
    ...uncordon,
    async run(context) {
      drained.delete((await context.node()).name);
      await uncordon.run(context);
    },
  };
  const liftLeaked: ActionStep = {
    name: 'leaked-cordons',
    summary: 'lift what an earlier night has left',
    async run({ deps, signal }) {
      for (const { name, cordonedBy } of await deps.cluster.nodes(signal)) {
        if (cordonedBy === null) continue;
        drained.delete(name);
        await deps.cluster.uncordon(name, signal);
      }
    },
  };
  const phase = (name: Step['phase'], steps: readonly ActionStep[]): Phase => ({
    name,
    summary: name,
    checks: [],
    facts: [],
    steps,
  });
  const ofNode = [nodesReady, begin, drain, upgrade, back, finish];
  return {
    preflight: phase('preflight', [liftLeaked]),
    master: phase('master', ofNode),
    worker: phase('worker', ofNode),
    postflight: phase('postflight', []),
  };
}
