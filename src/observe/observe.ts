import { readKillSwitch } from '../chain/may-go-on.ts';
import { controlPlanes } from '../chain/order.ts';
import { recordedRun } from '../chain/run-record.ts';
import { isUnavailable } from '../cluster/kube-error.ts';
import { kuredOf, phasePermissions } from '../cluster/permissions.ts';
import type { Deps } from '../deps.ts';
import { NightliftError, reasonOf } from '../errors.ts';
import { FACTS_SCHEMA, Facts, type ReleaseFact } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { repositoryOf, scriptsOf } from '../node/node-scripts.ts';
import { runOnNode } from '../node/run-on-node.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { parseMadison } from '../releases/madison.ts';
import { minorOf, newestVersion, nextMinor, oldestVersion } from '../version.ts';
import { observeBudgets } from './budgets.ts';
import { readFirstSeen } from './first-seen.ts';

export type FactPart = Exclude<keyof Facts, 'schema' | 'observedAt'>;

export const ALL_FACTS: readonly FactPart[] = Object.keys(Facts.shape).filter(
  (key): key is FactPart => key !== 'schema' && key !== 'observedAt',
);

export const CHAIN_SELECTOR = 'app=k8s-upgrade-chain';

const NOT_ASKED = 'it was not asked for';

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
  const { cluster, settings } = deps;
  const read = async <T>(part: FactPart, ask: () => Promise<T>): Promise<Observed<T>> => {
    if (!parts.includes(part)) return unknown(NOT_ASKED);
    try {
      return known(await ask());
    } catch (error) {
      if (throwsUnavailable && isUnavailable(error)) throw error;
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
  const observed = await settled<Pick<Facts, FactPart>>({
    apiServer: read('apiServer', () => cluster.serverVersion(signal)),
    nodes,
    kubeadmConfig: read('kubeadmConfig', () => cluster.kubeadmConfigVersion(signal)),
    killSwitch: parts.includes('killSwitch')
      ? readKillSwitch(deps, signal).catch((error: unknown) => unknown(reasonOf(error)))
      : Promise.resolve(unknown(NOT_ASKED)),
    patchReleases: read('patchReleases', async () => patchReleasesOf(deps, await nodeList(), signal)),
    nextMinorReleases: read('nextMinorReleases', async () => nextMinorOf(deps, await nodeList(), signal)),
    run: read('run', () => recordedRun({ deps, signal })),
    firstSeen: read('firstSeen', () => readFirstSeen(deps, signal)),
    workloads: read('workloads', async () => [...(await cluster.workloads(signal))]),
    deprecatedApis: read('deprecatedApis', async () => [...(await deps.alerts.deprecatedApis(signal))]),
    alerts: read('alerts', async () => [...(await deps.alerts.active(signal))]),
    budgets: read('budgets', async () => [...(await observeBudgets(cluster, signal))]),
    permissions: read('permissions', () =>
      Promise.all(
        phasePermissions(settings.namespace, settings.snapshot.namespace, kuredOf(settings.kured)).map(
          async ({ name, ...permission }) => ({
            ...permission,
            allowed: await cluster.allowed({ ...permission, ...(name === undefined ? {} : { name }) }, signal),
          }),
        ),
      ),
    ),
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

/** The minor that the newest API server runs: its next patch and its next minor are what can be offered. */
function runningMinor(nodes: readonly NodeFact[]): string {
  const newest =
    newestVersion(nodes.flatMap((node) => node.apiServer ?? [])) ?? oldestVersion(nodes.map((node) => node.kubelet));
  if (newest === undefined)
    throw new NightliftError('cluster', 'finding the running version: the cluster lists no nodes');
  return minorOf(newest);
}

/** Kubernetes and Debian call some architectures by different names. */
const DEBIAN_NAMES: Readonly<Record<string, string>> = { arm: 'armhf', ppc64le: 'ppc64el' };

function nextMinorOf(deps: Deps, nodes: readonly NodeFact[], signal: AbortSignal): Promise<ReleaseFact | null> {
  const architectures = [...new Set(nodes.map((node) => DEBIAN_NAMES[node.architecture] ?? node.architecture))];
  return deps.feed.minor(nextMinor(runningMinor(nodes)), architectures, signal);
}

/** apt on the first control plane that is Ready: the node that would be upgraded first has to be able to install it. */
async function patchReleasesOf(deps: Deps, nodes: readonly NodeFact[], signal: AbortSignal): Promise<ReleaseFact> {
  const node = controlPlanes(nodes).find((item) => item.ready === 'yes');
  if (node === undefined)
    throw new NightliftError('cluster', 'asking apt for new patches: no control plane node is Ready');
  const minor = runningMinor(nodes);
  const script = scriptsOf(deps).listReleases({ ...repositoryOf(deps), minor });
  const list = await runOnNode(deps, node, script, `asking apt for the patches of ${minor}`, signal);
  return { minor, source: `apt on ${node.name}`, versions: parseMadison(list, minor) };
}
