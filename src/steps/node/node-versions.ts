import { isOnTarget } from '../../chain/order.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { compareVersions } from '../../version.ts';

/** True when kubelet and, on a control plane, API server show the target, whatever its cordon and marks. */
export function hasTargetVersion(node: NodeFact, target: string): boolean {
  return isOnTarget({ ...node, cordonedBy: null, unfinished: null }, target);
}

/** Takes back the cordon that Nightlift made and what it wrote about the drain, and only that: a person's cordon stays (D08). */
export async function undoCordon(context: Context): Promise<void> {
  const node = await context.node();
  await context.deps.cluster.uncordon(node.name, context.signal);
  if (node.cordonedBy !== null) context.deps.log.info('uncordoned', { node: node.name });
}

export const uncordon: ActionStep = {
  name: 'uncordon',
  summary: 'lift the cordon that Nightlift made',
  critical: true,
  isDone: async (context) => (await context.node()).cordonedBy === null,
  run: undoCordon,
};

/** The node is judged from what its kubelet and its static pods report, never from a script's last line. */
export const ready: ActionStep = {
  name: 'ready',
  summary: 'wait until the node is Ready with the new version',
  critical: true,
  async run(context) {
    await context.waiter.until(
      `${(await context.node()).name} to be Ready with ${context.target}`,
      async () => {
        const node = await context.node();
        const missing = [
          ...(node.ready === 'yes' ? [] : [`Ready is ${node.ready}`]),
          ...(compareVersions(node.kubelet, context.target) >= 0 ? [] : [`its kubelet reports ${node.kubelet}`]),
          ...(hasTargetVersion({ ...node, kubelet: context.target }, context.target)
            ? []
            : [`its API server pod shows ${node.apiServer ?? 'no version'}`]),
        ];
        // A new API server answers before it knows its roles, and says 403 to everybody until then.
        if (missing.length === 0 && node.role === 'control-plane') {
          const health = await context.deps.cluster.health('/readyz', context.signal);
          if (!health.ok) missing.push(`/readyz: ${health.detail}`);
        }
        return missing.length === 0 ? { done: true, value: undefined } : { done: false, missing: missing.join(', ') };
      },
      {
        seconds: context.deps.settings.waits.readySeconds,
        remedy: 'On the node: journalctl -u kubelet, and crictl ps -a on a control plane.',
      },
    );
  },
};
