import type { ActionStep } from '../../chain/phase.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { orNotBack } from './not-back.ts';

const SYSTEM_NAMESPACE = 'kube-system';

/** The static pods of the control plane that was just upgraded. */
export const controlPlanePods: ActionStep = {
  name: 'control-plane-pods',
  summary: 'the control plane pods of the node run with the new version',
  async run(context) {
    const { deps, signal, target } = context;
    const { name } = await context.node();
    const back = context.waiter.until(
      'the control plane pods',
      async () => {
        const pods = (
          await deps.cluster.pods({ namespace: SYSTEM_NAMESPACE, labels: 'tier=control-plane' }, signal)
        ).filter((pod) => pod.node === name);
        const missing = [
          ...(pods.length === 0 ? [`${name} shows no control plane pods`] : []),
          ...pods.filter((pod) => !pod.ready).map((pod) => `${pod.name} is not ready`),
          ...pods
            .filter((pod) => wantsTarget(pod) && !pod.images.some((image) => image.endsWith(`:v${target}`)))
            .map((pod) => `${pod.name} runs ${pod.images.join(', ')}`),
        ];
        return missing.length === 0 ? { done: true, value: undefined } : { done: false, missing: missing.join('; ') };
      },
      {
        seconds: deps.settings.waits.readySeconds,
        remedy: 'On the node: crictl ps -a, and the manifests in /etc/kubernetes/manifests.',
      },
    );
    await orNotBack(name, back);
  },
};

/** etcd follows a version of its own. */
function wantsTarget(pod: PodFact): boolean {
  return ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].includes(pod.labels['component'] ?? '');
}
