import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes, firstControlPlane, hasTargetVersion } from '../../facts/nodes.ts';
import type { Finding } from '../../gate/finding.ts';
import { droppedFlags, planNamesTarget } from '../../node/kubeadm-output.ts';
import { scriptsOf } from '../../node/node-scripts.ts';
import { runOnNode } from '../../node/run-on-node.ts';
import type { NodeScript } from '../../node/scripts.ts';
import { announce } from '../../notify/announce.ts';
import { slackMessage } from '../../notify/slack-message.ts';

/**
 * Asks the target's own kubeadm, staged and not installed, what it would do. Pointless once the first control plane is
 * on the target: kubeadm offers nothing then, which must not wedge a run that is half done (I13).
 */
export const plan: ActionStep = {
  name: 'plan',
  summary: 'kubeadm upgrade plan and diff, with the kubeadm of the target',
  async skip(context) {
    const first = await firstNode(context);
    return hasTargetVersion(first, context.target) ? `${first.name} is on ${context.target} already` : undefined;
  },
  async run(context) {
    const { deps, target, signal } = context;
    const first = await firstNode(context);
    const scripts = scriptsOf(deps);
    const { ignorePreflightErrors, droppedFlags: policy } = deps.settings.kubeadm;
    const ask = (script: NodeScript): Promise<string> =>
      context.waiter.during((given) =>
        runOnNode(deps, first, script, `kubeadm upgrade ${script.name} v${target}`, given),
      );
    const offered = await ask(scripts.plan({ target, ignorePreflightErrors }));
    if (!planNamesTarget(offered, target)) throw new Refused([notOffered(first, target, offered)]);
    const dropped = droppedFlags(await ask(scripts.diff({ target })));
    if (dropped.length === 0) return;
    const finding = flagsDropped(target, dropped, policy);
    if (policy === 'block') throw new Refused([finding]);
    deps.log.warn(finding.message, { remedy: finding.remedy });
    await announce(
      deps,
      slackMessage([[`⚠️ ${finding.message}`, finding.remedy ?? '']], "the Job's log has all of it"),
      signal,
    );
  },
};

async function firstNode({ deps, signal }: Context): Promise<NodeFact> {
  const nodes = await deps.cluster.nodes(signal);
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

function flagsDropped(
  target: string,
  dropped: readonly { component: string; flag: string }[],
  policy: 'warn' | 'block',
): Finding {
  return {
    check: 'kubeadm-diff',
    reason: 'FlagsDropped',
    class: 'actionable',
    severity: policy,
    message: `The upgrade to ${target} would drop flags that stand in the manifests and not in kubeadm-config: ${dropped.map((item) => `${item.component} ${item.flag}`).join(', ')}`,
    remedy:
      'Put them into kubeadm-config (kubeadm init phase upload-config kubeadm --config FILE), so that kubeadm keeps them.',
  };
}
