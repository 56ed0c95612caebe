import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes, isHalfWay } from '../../facts/nodes.ts';
import { type ManifestChange, nameOfChange, sayChange } from '../../node/manifest-change.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { runOnNode } from '../../node/run-on-node.ts';
import { parseUpgradeDiff, type UpgradeDiff } from '../../node/upgrade-diff.ts';
import { compareVersions } from '../../version.ts';
import { findingOf, type ManifestFinding, say } from './manifest-finding.ts';

/**
 * kubeadm writes the manifests anew from kubeadm-config: what stands in them and not there is gone afterwards (I18). Its own
 * diff is asked on each control plane whose API server is not on the target, since each may have been edited for itself. The
 * target's kubeadm was staged there before.
 */
export const manifestChanges: ActionStep = {
  name: 'manifest-changes',
  summary: 'kubeadm upgrade diff on the control planes: what would change in their manifests besides the images',
  async skip(context) {
    return (await waiting(context)).length === 0 ? `every API server is on ${context.target} already` : undefined;
  },
  async run(context) {
    const { deps, target } = context;
    const { droppedFlags: policy, expectedChanges, patchesDirectory } = deps.settings.kubeadm;
    const found: Found[] = [];
    for (const node of await waiting(context)) {
      const { changes, patched } = await diffOf(context, node);
      for (const change of changes)
        if (!expectedChanges.includes(nameOfChange(change)))
          found.push({ node: node.name, change, isPatched: patched.has(change.component) });
    }
    const mayBePutBack = found.filter(({ isPatched }) => isPatched);
    if (mayBePutBack.length > 0) {
      const unless = `, unless the patches in ${patchesDirectory} put it back, at which kubeadm upgrade diff does not look`;
      await say(context, changesOf(target, 'warn', mayBePutBack, unless));
    }
    const plain = found.filter(({ isPatched }) => !isPatched);
    if (plain.length === 0) return;
    const told = changesOf(target, policy, plain);
    if (policy === 'block') throw new Refused([findingOf(told)]);
    await say(context, told);
  },
};

interface Found {
  readonly node: string;
  readonly change: ManifestChange;
  /** Patches for the component lie on the node. */
  readonly isPatched: boolean;
}

async function waiting({ deps, target, signal }: Context): Promise<readonly NodeFact[]> {
  return controlPlanes(await deps.cluster.controlPlanes(signal)).filter(
    (node) => !isHalfWay(node) && (node.apiServer === null || compareVersions(node.apiServer, target) < 0),
  );
}

async function diffOf({ deps, target, waiter }: Context, node: NodeFact): Promise<UpgradeDiff> {
  const { patchesDirectory } = deps.settings.kubeadm;
  const script = scriptsOf(deps).diff({ ...thisNode(node), target, patchesDirectory });
  const doing = `kubeadm upgrade diff v${target}`;
  const answer = await waiter.during((signal) => runOnNode(deps, node, script, doing, signal));
  return parseUpgradeDiff(answer, target, `${doing} on ${node.name}`);
}

function changesOf(
  target: string,
  severity: ManifestFinding['severity'],
  found: readonly Found[],
  unless = '',
): ManifestFinding {
  const names = [...new Set(found.map(({ change }) => nameOfChange(change)))];
  return {
    check: 'kubeadm-diff',
    reason: 'ManifestsChange',
    severity,
    headline: `The upgrade to ${target} changes more than the images in control plane manifests${unless}`,
    lines: linesOf(found),
    remedy: `Put what is to stay into kubeadm-config (kubeadm init phase upload-config kubeadm --config FILE), and name what may change in the settings: kubeadm.expectedChanges: ${JSON.stringify(names)}`,
  };
}

/** One for each change, with the nodes that it is for. */
function linesOf(found: readonly Found[]): readonly string[] {
  const nodes = Map.groupBy(found, ({ change }) => sayChange(change));
  return [...nodes].map(([line, where]) => `${line} (${where.map(({ node }) => node).join(', ')})`);
}
