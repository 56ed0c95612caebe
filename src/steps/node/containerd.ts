import type { ActionStep, Context } from '../../chain/phase.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { hasTargetVersion, workers } from '../../facts/nodes.ts';
import { repositoryOf, scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { nodeFailure, runDetachedOnNode } from '../../node/run-on-node.ts';
import { compareVersions, oldestVersion, parseVersion } from '../../version.ts';

const PREFIX = 'containerd://';

/** X.Y.Z of a node's containerd; undefined for another runtime or an odd version. */
function containerdOf(node: NodeFact): string | undefined {
  if (!node.containerRuntime.startsWith(PREFIX)) return undefined;
  return parseVersion(/^v?\d+\.\d+\.\d+/.exec(node.containerRuntime.slice(PREFIX.length))?.[0] ?? '');
}

/** The version to raise a control plane to: the oldest of the workers', when it is newer than its own. */
export function containerdToRaise(node: NodeFact, all: readonly NodeFact[]): string | undefined {
  const own = containerdOf(node);
  const others = workers(all).map(containerdOf);
  if (own === undefined || others.length === 0 || others.includes(undefined)) return undefined;
  const wanted = oldestVersion(others.filter((version) => version !== undefined));
  return wanted !== undefined && compareVersions(wanted, own) > 0 ? wanted : undefined;
}

/** After the drain, under the same gates (D22): a new containerd restarts nothing that anybody waits for then. */
export const containerd: ActionStep = {
  name: 'containerd',
  summary: "raise containerd to the workers' version",
  critical: true,
  async skip(context) {
    if (!context.deps.settings.containerd.raise) return 'containerd.raise is off';
    const node = await context.node();
    if (hasTargetVersion(node, context.target)) return 'the node is on the target already';
    return (await wanted(context)) === undefined ? "it is not behind the workers'" : undefined;
  },
  async run(context) {
    const { deps } = context;
    const node = await context.node();
    const version = await wanted(context);
    if (version === undefined) return;
    const script = scriptsOf(deps).raiseContainerd({ ...thisNode(node), ...repositoryOf(deps), version });
    const { exitCode, tail } = await runDetachedOnNode(context, node, script, 'containerd');
    if (exitCode !== 0) throw nodeFailure(node, script, `raising containerd to ${version}`, exitCode, tail);
    deps.log.info('containerd raised', { node: node.name, from: node.containerRuntime, to: version });
  },
};

async function wanted(context: Context): Promise<string | undefined> {
  return containerdToRaise(await context.node(), await context.deps.cluster.nodes(context.signal));
}
