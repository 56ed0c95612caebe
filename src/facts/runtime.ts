import { compareVersions, oldestVersion, parseVersion, prereleaseOf } from '../version.ts';
import type { NodeFact } from './node-fact.ts';
import { workers } from './nodes.ts';

interface Runtime {
  readonly name: string;
  /** X.Y.Z, with its suffix before the release ('2.0.0-rc.3'). */
  readonly version: string;
}

/** undefined when the node's runtime does not say name://version. */
export function runtimeOf(node: NodeFact): Runtime | undefined {
  const [, name, numbers = '', rest = ''] =
    /^([a-z][a-z0-9-]*):\/\/v?(\d+\.\d+\.\d+)((?:[-+~][0-9A-Za-z.+~-]*)?)$/.exec(node.containerRuntime) ?? [];
  const version = parseVersion(numbers);
  return name === undefined || version === undefined ? undefined : { name, version: version + prereleaseOf(rest) };
}

/** Of a node's containerd; undefined for another runtime or an odd version. */
function containerdOf(node: NodeFact): string | undefined {
  const runtime = runtimeOf(node);
  return runtime?.name === 'containerd' ? runtime.version : undefined;
}

/** The version to raise a control plane to: the oldest of the workers', when it is newer than its own. */
export function containerdToRaise(node: NodeFact, all: readonly NodeFact[]): string | undefined {
  const own = containerdOf(node);
  const others = workers(all).map(containerdOf);
  if (own === undefined || others.length === 0 || others.includes(undefined)) return undefined;
  // No package has the version of what comes before its release.
  const wanted = oldestVersion(others.filter((version) => version !== undefined))?.split('-')[0];
  return wanted !== undefined && compareVersions(wanted, own) > 0 ? wanted : undefined;
}
