import type { ActionStep } from '../../chain/phase.ts';
import { hasTargetVersion } from '../../facts/nodes.ts';
import { compareVersions } from '../../version.ts';
import { orNotBack } from '../control-plane/not-back.ts';

/** The node is judged from what its kubelet and its static pods report, never from a script's last line. */
export const ready: ActionStep = {
  name: 'ready',
  summary: 'wait until the node is Ready with the new version',
  critical: true,
  async run(context) {
    const { name } = await context.node();
    const back = context.waiter.until(
      `${name} to be Ready with ${context.target}`,
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
    await (context.step.phase === 'master' ? orNotBack(name, back) : back);
  },
};
