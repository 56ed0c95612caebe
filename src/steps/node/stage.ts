import type { ActionStep, Context } from '../../chain/phase.ts';
import { KUBEADM_IMAGES } from '../../facts/image-sources.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { hasTargetVersion, type Nodes } from '../../facts/nodes.ts';
import { repositoryOf, roleOf, scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { nodeFailure, runDetachedOnNode } from '../../node/run-on-node.ts';

/** Packages and images, fetched before the drain. Changes nothing that is in use, so it needs no undo. */
export async function stageOn(context: Context, node: NodeFact, nodes: Nodes): Promise<void> {
  const { deps, target, signal } = context;
  const { packages } = deps.settings;
  const script = scriptsOf(deps).stage({
    ...thisNode(node),
    ...repositoryOf(deps),
    target,
    role: roleOf(node, nodes),
    keyFingerprints: packages.keyFingerprints,
    keyWarnDays: packages.keyWarnDays,
    neededBytes: packages.freeMegabytes * 1_000_000,
    images: node.role === 'worker' ? KUBEADM_IMAGES : await deps.cluster.imageSources(signal),
  });
  const { exitCode, tail } = await runDetachedOnNode(context, node, script, 'stage');
  if (exitCode !== 0) throw nodeFailure(node, script, `fetching packages and images of ${target}`, exitCode, tail);
}

export const stage: ActionStep = {
  name: 'stage',
  summary: 'fetch packages and images before the drain',
  longest: ({ kubeadm }) => kubeadm.timeoutSeconds,
  isDone: async (context) => hasTargetVersion(await context.node(), context.target),
  run: async (context) =>
    await stageOn(context, await context.node(), await context.deps.cluster.controlPlanes(context.signal)),
};
