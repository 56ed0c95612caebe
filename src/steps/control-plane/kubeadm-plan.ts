import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes, firstControlPlane, hasTargetVersion } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import { planNamesTarget } from '../../node/kubeadm-output.ts';
import { scriptsOf } from '../../node/node-scripts.ts';
import { runOnNode } from '../../node/run-on-node.ts';

/**
 * Asks the target's own kubeadm, staged and not installed, whether it offers the target. Pointless once the first control plane is
 * on the target: kubeadm offers nothing then, which must not wedge a run that is half done (I13).
 */
export const plan: ActionStep = {
  name: 'plan',
  summary: 'kubeadm upgrade plan, with the kubeadm of the target',
  async skip(context) {
    const first = await firstNode(context);
    return hasTargetVersion(first, context.target) ? `${first.name} is on ${context.target} already` : undefined;
  },
  async run(context) {
    const { deps, target } = context;
    const first = await firstNode(context);
    const { ignorePreflightErrors } = deps.settings.kubeadm;
    const script = scriptsOf(deps).plan({ target, ignorePreflightErrors });
    const offered = await context.waiter.during((signal) =>
      runOnNode(deps, first, script, `kubeadm upgrade plan v${target}`, signal),
    );
    if (!planNamesTarget(offered, target)) throw new Refused([notOffered(first, target, offered)]);
  },
};

async function firstNode({ deps, signal }: Context): Promise<NodeFact> {
  const nodes = await deps.cluster.controlPlanes(signal);
  const first = controlPlanes(nodes).find((node) => node.name === firstControlPlane(nodes));
  if (first !== undefined) return first;
  throw new NightliftError(
    'cluster',
    'looking for a control plane: no node has the label node-role.kubernetes.io/control-plane',
    {
      remedy: 'Put the label back on the control plane nodes; kubeadm sets it.',
    },
  );
}

function notOffered(node: NodeFact, target: string, output: string): Finding {
  return {
    check: 'kubeadm-plan',
    reason: 'PlanDoesNotOfferTarget',
    class: 'actionable',
    severity: 'block',
    message: `kubeadm upgrade plan v${target} on ${node.name} does not offer ${target}; it ended with: ${output.trimEnd().split('\n').slice(-3).join(' | ')}`,
    remedy: `On ${node.name}: sudo kubeadm upgrade plan v${target}`,
  };
}
