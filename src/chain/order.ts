import type { NodeOutline } from '../facts/node-fact.ts';
import { controlPlanes, type Outlines } from '../facts/nodes.ts';
import { compareVersions, minorNumber } from '../version.ts';
import type { Step } from './step.ts';

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
