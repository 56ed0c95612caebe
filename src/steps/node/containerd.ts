import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes, hasTargetVersion } from '../../facts/nodes.ts';
import { containerdToRaise } from '../../facts/runtime.ts';
import { isRuntimeTooOld } from '../../gate/container-runtime.ts';
import type { Finding } from '../../gate/finding.ts';
import { logFinding } from '../../gate/log-finding.ts';
import { explainFailure } from '../../node/explain-failure.ts';
import type { FailureExplanation } from '../../node/failure-explanation.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { nodeFailure, runDetachedOnNode } from '../../node/run-on-node.ts';

/** What keeps a node from having a newer containerd tonight, with nothing changed: lock, disk, sources. */
const NOT_TONIGHT: readonly number[] = [11, 28, 40];
const NOT_AVAILABLE = 40;

/**
 * Before the drain, and in preflight for all control planes: whether the containerd can be had at all, and the package of
 * it. Without it a node whose runtime is new enough for the target keeps what it has; any other is refused.
 */
function stageContainerdOf(nodesOf: (context: Context) => Promise<readonly NodeFact[]>): ActionStep {
  return {
    name: 'stage-containerd',
    summary: "fetch the workers' containerd where a control plane is behind it",
    longest: ({ kubeadm }) => kubeadm.timeoutSeconds,
    async skip(context) {
      if (!context.deps.settings.containerd.raise) return 'containerd.raise is off';
      return (await behind(context, await nodesOf(context))).length === 0 ? "none is behind the workers'" : undefined;
    },
    async run(context) {
      const findings: Finding[] = [];
      for (const { node, version } of await behind(context, await nodesOf(context)))
        findings.push(...(await fetchFor(context, node, version)));
      const refused = findings.filter(({ severity }) => severity === 'block');
      for (const finding of findings) if (finding.severity === 'warn') logFinding(context.deps.log, finding);
      if (refused.length > 0) throw new Refused(refused);
    },
  };
}

export const stageContainerd = stageContainerdOf(async (context) => {
  const node = await context.node();
  // Too late to refuse anything: an earlier Job has begun to drain the node.
  return node.cordonedBy === null ? [node] : [];
});

export const stageContainerds = stageContainerdOf(async ({ deps, signal }) =>
  controlPlanes(await deps.cluster.controlPlanes(signal)).filter(
    ({ ready, cordonedBy }) => ready === 'yes' && cordonedBy === null,
  ),
);

interface Behind {
  readonly node: NodeFact;
  readonly version: string;
}

async function behind({ deps, signal, target }: Context, nodes: readonly NodeFact[]): Promise<readonly Behind[]> {
  const all = await deps.cluster.nodes(signal);
  return nodes.flatMap((node) => {
    const version = hasTargetVersion(node, target) ? undefined : containerdToRaise(node, all);
    return version === undefined ? [] : [{ node, version }];
  });
}

async function fetchFor(context: Context, node: NodeFact, version: string): Promise<readonly Finding[]> {
  const { deps, target } = context;
  const script = scriptsOf(deps).stageContainerd({ ...thisNode(node), ...lockTimeout(deps), version });
  const { exitCode, tail } = await runDetachedOnNode(context, node, script, 'stage-containerd');
  if (exitCode === 0) {
    deps.log.info('containerd fetched', { node: node.name, version });
    return [];
  }
  if (!NOT_TONIGHT.includes(exitCode))
    throw nodeFailure(node, script, `fetching containerd ${version}`, exitCode, tail);
  return [notRaised(node, version, target, explainFailure(script.name, exitCode, tail))];
}

function notRaised(
  node: NodeFact,
  version: string,
  target: string,
  { message, remedy }: Pick<FailureExplanation, 'message' | 'remedy'>,
): Finding {
  const isTooOld = isRuntimeTooOld(node, target);
  const consequence = isTooOld ? `which is too old for ${target}` : `which is new enough for ${target}`;
  return {
    check: 'containerd',
    reason: 'ContainerdNotAvailable',
    class: 'actionable',
    severity: isTooOld ? 'block' : 'warn',
    message: `${node.name} cannot be raised to the workers' containerd ${version} and keeps ${node.containerRuntime}, ${consequence}: ${message}`,
    remedy,
  };
}

function lockTimeout({ settings }: Context['deps']): { readonly lockTimeoutSeconds: number } {
  return { lockTimeoutSeconds: settings.packages.lockTimeoutSeconds };
}

/** After the drain, under the same gates (D22): a new containerd restarts nothing that anybody waits for then. */
export const containerd: ActionStep = {
  name: 'containerd',
  summary: "raise containerd to the workers' version",
  longest: ({ kubeadm }) => kubeadm.timeoutSeconds,
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
    const script = scriptsOf(deps).raiseContainerd({ ...thisNode(node), ...lockTimeout(deps), version });
    const { exitCode, tail } = await runDetachedOnNode(context, node, script, 'containerd');
    if (exitCode === NOT_AVAILABLE && !isRuntimeTooOld(node, context.target)) {
      logFinding(deps.log, notRaised(node, version, context.target, explainFailure(script.name, exitCode, tail)));
      return;
    }
    if (exitCode !== 0) throw nodeFailure(node, script, `raising containerd to ${version}`, exitCode, tail);
    deps.log.info('containerd raised', { node: node.name, from: node.containerRuntime, to: version });
  },
};

async function wanted(context: Context): Promise<string | undefined> {
  return containerdToRaise(await context.node(), await context.deps.cluster.nodes(context.signal));
}
