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
 * diff is asked on each control plane whose API server is not on the target, since each may have been edited for itself, and for
 * etcd, which it leaves out, what it would write. The target's kubeadm was staged there before.
 */
export const manifestChanges: ActionStep = {
  name: 'manifest-changes',
  summary:
    'kubeadm upgrade diff on the control planes, and etcd: what would change in their manifests besides the images',
  async skip(context) {
    return (await waiting(context)).length === 0 ? `every API server is on ${context.target} already` : undefined;
  },
  async run(context) {
    const { deps, target } = context;
    const { droppedFlags: policy, expectedChanges, patchesDirectory } = deps.settings.kubeadm;
    const found: Found[] = [];
    const unknown: string[] = [];
    for (const node of await waiting(context)) {
      const { changes, patched, etcdUnknown } = await diffOf(context, node);
      if (etcdUnknown !== undefined) unknown.push(`${node.name}: ${etcdUnknown}`);
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
    const told = [
      ...(plain.length === 0 ? [] : [changesOf(target, policy, plain)]),
      ...(unknown.length === 0 ? [] : [etcdNotKnown(target, policy, unknown)]),
    ];
    if (policy === 'block' && told.length > 0) throw new Refused(told.map(findingOf));
    for (const one of told) await say(context, one);
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

async function diffOf({ deps, target, waiter, signal }: Context, node: NodeFact): Promise<UpgradeDiff> {
  const { patchesDirectory } = deps.settings.kubeadm;
  const etcdConfiguration = await deps.cluster.etcdConfiguration(target, signal);
  const script = scriptsOf(deps).diff({ ...thisNode(node), target, patchesDirectory, etcdConfiguration });
  const doing = `kubeadm upgrade diff v${target}`;
  const answer = await waiter.during((given) => runOnNode(deps, node, script, doing, given));
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

function etcdNotKnown(
  target: string,
  severity: ManifestFinding['severity'],
  lines: readonly string[],
): ManifestFinding {
  return {
    check: 'kubeadm-diff',
    reason: 'EtcdChangesUnknown',
    severity,
    headline: `What the upgrade to ${target} would change in etcd's manifests is not known, as kubeadm init phase etcd local --dry-run does not say it`,
    lines,
    remedy:
      'On these nodes, compare /etc/kubernetes/manifests/etcd.yaml with etcd.local of ConfigMap kube-system/kubeadm-config: what stands in the first alone will go.',
  };
}

/** One for each change, with the nodes that it is for. */
function linesOf(found: readonly Found[]): readonly string[] {
  const nodes = Map.groupBy(found, ({ change }) => sayChange(change));
  return [...nodes].map(([line, where]) => `${line} (${where.map(({ node }) => node).join(', ')})`);
}
