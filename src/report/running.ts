import type { Facts } from '../facts/facts.ts';
import type { NodeFact } from '../facts/node-fact.ts';
import { type RunningVersions, runningVersions } from '../facts/running-versions.ts';
import { known, type Observed } from '../observed.ts';
import { someOf } from '../some-of.ts';
import { compareVersions } from '../version.ts';

const NAMES_SHOWN = 5;

export interface Running extends RunningVersions {
  readonly nodes: number;
  /** The version of every kubelet and every API server; null when there are several. */
  readonly uniform: string | null;
  /** Nodes whose kubelet has the newest API server's version or a newer one. */
  readonly nodesOnNewest: number;
}

export function describeRunning(facts: Facts): Observed<Running> {
  const versions = runningVersions(facts);
  if (!versions.known) return versions;
  const nodes = facts.nodes.known ? facts.nodes.value : [];
  const { oldest, newestApiServer } = versions.value;
  const uniform = nodes.every((node) => node.kubelet === newestApiServer) && oldest === newestApiServer;
  return known({
    ...versions.value,
    nodes: nodes.length,
    uniform: uniform ? oldest : null,
    nodesOnNewest: nodes.filter((node) => compareVersions(node.kubelet, newestApiServer) >= 0).length,
  });
}

/** '1.36.4 on cp-1; 1.36.3 on worker-1, worker-2', newest first; long lists are counted. */
export function kubeletsByVersion(nodes: readonly NodeFact[]): string {
  const groups = Map.groupBy(nodes, (node) => node.kubelet);
  return [...groups]
    .toSorted(([a], [b]) => compareVersions(b, a))
    .map(
      ([version, group]) =>
        `${version} on ${someOf(
          group.map((node) => node.name),
          NAMES_SHOWN,
        )}`,
    )
    .join('; ');
}
