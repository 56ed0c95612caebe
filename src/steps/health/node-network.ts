import { known, unknown } from '../../observed.ts';
import { probesAt, removeProbes, whyNotReached } from '../smoke/probes.ts';
import type { Trigger } from './trigger.ts';

/** A pod on the node that was upgraded is reached from here, which is another node. */
export const nodeNetwork: Trigger = {
  check: 'node-network',
  reason: 'NetworkFails',
  remedy:
    "Look at the CNI's pod on the node, and at the node's routes and firewall; the next night goes on. triggers.network decides whether this is looked at.",
  mend: 'kubectl get pods -l app=k8s-upgrade-probe shows the probe pod while it is there, and its events; smoke.image is what it runs. triggers.network decides whether this is looked at.',
  everySeconds: 10,
  skip: ({ triggers }) => (triggers.network ? undefined : 'triggers.network is off'),
  forSeconds: ({ triggers }) => triggers.forSeconds,
  async look(context) {
    const { name } = await context.node();
    const [probe] = await probesAt(context, [{ node: name }]);
    const pod = probe?.pod;
    if (pod?.ready !== true || pod.ip === null)
      return unknown(
        `the probe pod on ${name} does not run: ${pod?.unschedulable ?? pod?.phase ?? 'it has not been made'}`,
      );
    const why = await whyNotReached(pod.ip, context.signal);
    return known(why === undefined ? undefined : `a pod on ${name} is not reached over the pod network: ${why}`);
  },
  end: removeProbes,
};
