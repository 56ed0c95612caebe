import { compareVersions } from '../version.ts';
import type { NodeFact } from './node-fact.ts';

/** The part of the cluster that decides what comes next. */
export type Nodes = readonly NodeFact[];

export function controlPlanes(nodes: Nodes): Nodes {
  return nodes.filter((node) => node.role === 'control-plane').toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

export function workers(nodes: Nodes): Nodes {
  return nodes.filter((node) => node.role === 'worker').toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** `kubeadm upgrade apply` runs on this one, `kubeadm upgrade node` on all the others. */
export function firstControlPlane(nodes: Nodes): string | undefined {
  return controlPlanes(nodes)[0]?.name;
}

/** Left so by a run that was interrupted: to bring it back is what its own Job is for. */
export function isHalfWay({ ready, cordonedBy, unfinished }: NodeFact): boolean {
  return ready !== 'yes' && (cordonedBy !== null || unfinished !== null);
}

/** True when the node shows the target everywhere that the API shows it, and neither a cordon of ours nor a step that has not ended is left on it. */
export function isOnTarget(node: NodeFact, target: string): boolean {
  if (compareVersions(node.kubelet, target) < 0 || node.cordonedBy !== null || node.unfinished !== null) return false;
  return node.role === 'worker' || (node.apiServer !== null && compareVersions(node.apiServer, target) >= 0);
}

/** True when kubelet and, on a control plane, API server show the target, whatever its cordon and marks. */
export function hasTargetVersion(node: NodeFact, target: string): boolean {
  return isOnTarget({ ...node, cordonedBy: null, unfinished: null }, target);
}
