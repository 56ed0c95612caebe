import type { NodeOutline } from '../facts/node-fact.ts';
import { controlPlanes, isOnTarget, type Outlines, workers } from '../facts/nodes.ts';
import { compareVersions, minorNumber } from '../version.ts';
import type { Step } from './step.ts';

/**
 * What comes next, from the live nodes alone (I05, I07): control planes by name, then workers by name, then postflight.
 * A worker is never upgraded while a control plane is behind: a kubelet must not be newer than an API server.
 */
export function nextStep(nodes: Outlines, target: string): Step {
  const master = controlPlanes(nodes).find((node) => !isOnTarget(node, target));
  if (master !== undefined) return { phase: 'master', node: master.name };
  const worker = workers(nodes).find((node) => !isOnTarget(node, target));
  if (worker !== undefined) return { phase: 'worker', node: worker.name };
  return { phase: 'postflight' };
}

/**
 * Why a step must not be done yet, whoever made its Job; undefined when it may: a worker's kubelet would be newer than an
 * API server, or a control plane would be upgraded before the first one, whose `kubeadm upgrade apply` sets the version.
 */
export function tooEarly(step: Step, nodes: Outlines, target: string): string | undefined {
  const node = 'node' in step ? nodes.find(({ name }) => name === step.node) : undefined;
  if (node === undefined) return undefined;
  // A kubelet is never newer than its own API server: that much is known of one that cannot be seen.
  const serverOf = ({ apiServer, kubelet }: NodeOutline): string => apiServer ?? kubelet;
  const [first] = controlPlanes(nodes);
  if (node.role === 'control-plane') {
    if (first === undefined || first.name === node.name || compareVersions(serverOf(first), target) >= 0)
      return undefined;
    return `the first control plane, ${first.name}, is on ${serverOf(first)}, and kubeadm upgrades it before ${node.name}`;
  }
  if (minorNumber(node.kubelet) >= minorNumber(target)) return undefined;
  const behind = controlPlanes(nodes).find((one) => minorNumber(serverOf(one)) < minorNumber(target));
  if (behind === undefined) return undefined;
  return `the kubelet of ${node.name} would be newer than the API server of ${behind.name}, which is on ${serverOf(behind)}`;
}

/** All steps from here to the end, in order. */
export function remainingSteps(nodes: Outlines, target: string): readonly Step[] {
  const pending = (list: Outlines) => list.filter((node) => !isOnTarget(node, target));
  return [
    { phase: 'preflight' },
    ...pending(controlPlanes(nodes)).map((node): Step => ({ phase: 'master', node: node.name })),
    ...pending(workers(nodes)).map((node): Step => ({ phase: 'worker', node: node.name })),
    { phase: 'postflight' },
  ];
}
