import { isUnavailable } from '../cluster/kube-error.ts';
import type { Deps } from '../deps.ts';
import { NightliftError, NotFromHere, reasonOf } from '../errors.ts';
import { FACTS_SCHEMA, type FactPart, type Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { known, notAsked, type Observed, unknown } from '../observed.ts';
import { observeBudgets } from './budgets.ts';
import { CHAIN_SELECTOR } from './chain-jobs.ts';
import { observeDrains } from './drains.ts';
import { readFirstSeen } from './first-seen.ts';
import { inventoryIn } from './inventory.ts';
import { readKillSwitch } from './kill-switch.ts';
import { readLastLook } from './last-look.ts';
import { leavingPods } from './leaving-pods.ts';
import { readLimits } from './limits.ts';
import { observePermissions } from './permissions.ts';
import { laterMinorsOf, nextMinorOf, patchReleasesOf } from './releases.ts';
import { readRun, recordedRun } from './run-record.ts';
import { readOnce } from './state-record.ts';
import { observeSurveys } from './surveys.ts';

export interface ObserveOptions {
  /** Throws when the API server is away, which tells nothing about the cluster; else that is one more unknown. */
  readonly throwsUnavailable?: boolean;
}

/** Reads the asked parts of the world, each by itself: one source that fails leaves one unknown, never a default. */
export async function observe(
  deps: Deps,
  parts: readonly FactPart[],
  signal: AbortSignal,
  { throwsUnavailable = false }: ObserveOptions = {},
): Promise<Facts> {
  const { cluster } = deps;
  const read = async <T>(part: FactPart, ask: () => Promise<T>): Promise<Observed<T>> => {
    if (!parts.includes(part)) return notAsked();
    try {
      return known(await ask());
    } catch (error) {
      if (throwsUnavailable && isUnavailable(error)) throw error;
      if (error instanceof NotFromHere) return { known: false, why: reasonOf(error), notFromHere: true };
      deps.log.warn(`could not read ${part}`, {
        error: reasonOf(error),
        ...(error instanceof NightliftError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
      });
      return unknown(reasonOf(error));
    }
  };
  const nodes = read('nodes', async () => [...(await cluster.nodes(signal))]);
  const nodeList = async (): Promise<readonly NodeFact[]> => {
    const answer = await nodes;
    if (answer.known) return answer.value;
    throw new NightliftError('cluster', `the nodes are not known: ${answer.why}`);
  };
  // What is on nodes that are not ours is nobody's matter.
  const isOurs = async (): Promise<(node: string | null) => boolean> => {
    const answer = await nodes;
    if (!answer.known) return () => true;
    const ours = new Set(answer.value.map(({ name }) => name));
    return (node) => node !== null && ours.has(node);
  };
  const next = read('nextMinorReleases', async () => nextMinorOf(deps, await nodeList(), signal));
  let recorded: ReturnType<typeof readRun> | undefined;
  // One object has them both.
  const record = (): ReturnType<typeof readRun> => (recorded ??= readRun({ deps, signal }));
  const state = readOnce(deps);
  const observed = await settled<Pick<Facts, FactPart>>({
    apiServer: read('apiServer', () => cluster.serverVersion(signal)),
    nodes,
    otherNodes: read('otherNodes', async () => [...(await cluster.otherNodes(signal))]),
    surveys: read('surveys', async () => observeSurveys(deps, await nodeList(), signal)),
    inventory: read('inventory', async () => inventoryIn(await record(), deps.settings)),
    kubeadmConfig: read('kubeadmConfig', () => cluster.kubeadmConfigVersion(signal)),
    kubeadmApi: read('kubeadmApi', () => cluster.kubeadmApi(signal)),
    killSwitch: parts.includes('killSwitch')
      ? readKillSwitch(deps, signal).catch((error: unknown) => unknown(reasonOf(error)))
      : Promise.resolve(notAsked()),
    patchReleases: read('patchReleases', async () => patchReleasesOf(deps, await nodeList(), signal)),
    nextMinorReleases: next,
    laterReleases: read('laterReleases', async () => {
      const answer = await next;
      if (!answer.known) {
        const why = `the next minor comes before them: ${answer.why}`;
        throw answer.notFromHere === true ? new NotFromHere(why) : new NightliftError('network', why);
      }
      return await laterMinorsOf(deps, answer.value, await nodeList(), signal);
    }),
    run: read('run', async () => recordedRun(await record())),
    firstSeen: read('firstSeen', () => readFirstSeen(state, signal)),
    lastLook: read('lastLook', () => readLastLook(state, signal)),
    limits: read('limits', () => readLimits(state, signal)),
    staging: read('staging', async () =>
      deps.settings.promotion.from === 'nowhere' ? null : await deps.staging.look(signal),
    ),
    workloads: read('workloads', async () => [...(await cluster.workloads(signal))]),
    deprecatedApis: read('deprecatedApis', async () => [...(await deps.alerts.deprecatedApis(signal))]),
    apiServerMetrics: read('apiServerMetrics', () => deps.alerts.apiServers(signal)),
    alerts: read('alerts', async () => [...(await deps.alerts.active(signal))]),
    budgets: read('budgets', async () => [...(await observeBudgets(cluster, signal, await isOurs()))]),
    leavingPods: read('leavingPods', async () => {
      const [pods, ours] = await Promise.all([cluster.leavingPods(signal), isOurs()]);
      return [...leavingPods(pods.filter(({ node }) => ours(node)))];
    }),
    drains: read('drains', async () => [...(await observeDrains(cluster, await nodeList(), signal))]),
    permissions: read('permissions', async () => [...(await observePermissions(deps, signal))]),
    chainJobs: read('chainJobs', async () => [...(await cluster.jobs(CHAIN_SELECTOR, signal))]),
    gauges: read('gauges', async () => [...(await deps.metrics.read(signal))]),
  });
  return { schema: FACTS_SCHEMA, observedAt: deps.clock.now().toISOString(), ...observed };
}

/** All at once, each under its name. @throws what one of them throws, when all have ended. */
async function settled<T extends object>(reading: { readonly [Key in keyof T]: Promise<T[Key]> }): Promise<T> {
  const names = Object.keys(reading) as (keyof T)[];
  await Promise.allSettled(names.map((name) => reading[name]));
  const values = await Promise.all(names.map(async (name) => [name, await reading[name]] as const));
  return Object.fromEntries(values) as T;
}
