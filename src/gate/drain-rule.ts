import type { NodeFact } from '../facts/node-fact.ts';
import { hasTargetVersion, type Nodes, workers } from '../facts/nodes.ts';
import { containerdToRaise, runtimeOf } from '../facts/runtime.ts';
import type { Settings } from '../settings/settings.ts';
import { minorOf } from '../version.ts';

/** What of the settings decides whether a node is drained. */
export interface DrainRule {
  /** The setting `drain.mode`. */
  readonly mode: Settings['drain']['mode'];
  /** The setting `containerd.raise`. */
  readonly raise: boolean;
}

export function drainRule({ drain, containerd }: Pick<Settings, 'drain' | 'containerd'>): DrainRule {
  return { mode: drain.mode, raise: containerd.raise };
}

/** What goes on without a drain is at risk; said wherever it is said that there is none. */
export const WITHOUT_DRAIN_RISK =
  'pods keep running while the kubelet restarts, and those whose probes fail meanwhile are restarted; what uses the API server of an upgraded control plane loses it for that time';

/**
 * Why the step of a node drains it; undefined: it does not. `nodes` are all of the cluster. Only what is sure to be a
 * patch of kubelet and control plane, and nothing else, goes without.
 */
export function whyDrained(node: NodeFact, nodes: Nodes, target: string, rule: DrainRule): string | undefined {
  const { name, role, apiServer, unfinished } = node;
  const why = whyWorkerDrained(node, target, rule);
  if (why !== undefined || role === 'worker') return why;
  // Between two pods of it, in a step that has begun, nobody sees it; what was decided then holds.
  if (apiServer === null && unfinished !== target) return `the version of the API server on ${name} is not known`;
  if (apiServer !== null && minorOf(apiServer) !== minorOf(target))
    return `the API server of ${name} goes from ${apiServer} to ${target}: a minor`;
  const others = workers(nodes);
  if (!rule.raise || others.length === 0) return undefined;
  if ([node, ...others].some((one) => runtimeOf(one) === undefined))
    return `whether the containerd of ${name} is raised is not known`;
  if (hasTargetVersion(node, target)) return `whether the containerd of ${name} was raised is not known any more`;
  const version = containerdToRaise(node, nodes);
  return version === undefined ? undefined : `the containerd of ${name} is raised to ${version}`;
}

/** The same of a worker, of which an outline is enough. */
export function whyWorkerDrained(
  { name, kubelet }: Pick<NodeFact, 'name' | 'kubelet'>,
  target: string,
  { mode }: DrainRule,
): string | undefined {
  if (mode === 'always') return 'drain.mode is always';
  if (minorOf(kubelet) === minorOf(target)) return undefined;
  return `the kubelet of ${name} goes from ${kubelet} to ${target}: a minor`;
}
