import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import type { ReleaseFact } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { controlPlanes } from '../facts/nodes.ts';
import { repositoryOf, scriptsOf } from '../node/node-scripts.ts';
import { runOnNode } from '../node/run-on-node.ts';
import { parseMadison } from '../releases/madison.ts';
import { minorOf, newestVersion, nextMinor, oldestVersion } from '../version.ts';

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

export function nextMinorOf(deps: Deps, nodes: readonly NodeFact[], signal: AbortSignal): Promise<ReleaseFact | null> {
  return deps.feed.minor(nextMinor(runningMinor(nodes)), architecturesOf(nodes), signal);
}

function architecturesOf(nodes: readonly NodeFact[]): readonly string[] {
  return [...new Set(nodes.map((node) => DEBIAN_NAMES[node.architecture] ?? node.architecture))];
}

/** No feed has so many: one that never says no is not asked for ever. */
const MOST_LATER = 12;

/** The minors after that one, up to the first that does not exist. */
export async function laterMinorsOf(
  deps: Deps,
  next: ReleaseFact | null,
  nodes: readonly NodeFact[],
  signal: AbortSignal,
): Promise<ReleaseFact[]> {
  const found: ReleaseFact[] = [];
  let last = next;
  while (last !== null && found.length < MOST_LATER) {
    last = await deps.feed.minor(nextMinor(last.minor), architecturesOf(nodes), signal);
    if (last !== null) found.push(last);
  }
  return found;
}

/** apt on the first control plane that is Ready: the node that would be upgraded first has to be able to install it. */
export async function patchReleasesOf(
  deps: Deps,
  nodes: readonly NodeFact[],
  signal: AbortSignal,
): Promise<ReleaseFact> {
  const node = controlPlanes(nodes).find((item) => item.ready === 'yes');
  if (node === undefined)
    throw new NightliftError('cluster', 'asking apt for new patches: no control plane node is Ready');
  const minor = runningMinor(nodes);
  const script = scriptsOf(deps).listReleases({ ...repositoryOf(deps), minor });
  const list = await runOnNode(deps, node, script, `asking apt for the patches of ${minor}`, signal);
  return { minor, source: `apt on ${node.name}`, versions: parseMadison(list, minor) };
}
