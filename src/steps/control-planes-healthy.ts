import { controlPlanes } from '../phases/chain.ts';
import type { ActionStep } from '../phases/phase.ts';
import { nodeOf } from '../phases/step.ts';
import { minorNumber } from '../version.ts';

/**
 * Before a control plane is taken away, all the others carry the cluster: nodes Ready, their static pods ready, API
 * servers within one minor. kubeadm waits for the pods of all control planes and fails after five minutes otherwise.
 */
export const controlPlanesHealthy: ActionStep = {
  name: 'control-planes-healthy',
  summary: 'the other control planes are Ready and their pods run',
  async run(context) {
    const { deps, signal } = context;
    await context.waiter.until(
      'the other control planes to be healthy',
      async () => {
        const all = controlPlanes(await deps.cluster.nodes(signal));
        // Its own node may be half-way from a run that was killed: that is what this run mends.
        const planes = all.filter((node) => node.name !== nodeOf(context.step));
        const pods = (
          await deps.cluster.pods({ namespace: 'kube-system', labels: 'tier=control-plane' }, signal)
        ).filter((pod) => planes.some((node) => node.name === pod.node));
        const minors = all.flatMap((node) => (node.apiServer === null ? [] : [minorNumber(node.apiServer)]));
        const missing = [
          ...planes.filter((node) => node.ready !== 'yes').map((node) => `${node.name} is not Ready`),
          ...pods.filter((pod) => !pod.ready).map((pod) => `${pod.name} is not ready`),
          ...(minors.length > 0 && Math.max(...minors) - Math.min(...minors) > 1
            ? ['API servers are more than one minor apart']
            : []),
        ];
        return missing.length === 0 ? { done: true, value: undefined } : { done: false, missing: missing.join('; ') };
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy: 'kubectl -n kube-system get pods -l tier=control-plane -o wide',
      },
    );
  },
};
