import { compareVersions } from '../version.ts';
import type { NodeFact, NodeOutline } from './node-fact.ts';

/** The part of the cluster that decides what comes next. */
export type Nodes = readonly NodeFact[];
export type Outlines = readonly NodeOutline[];

type Ranked = Pick<NodeFact, 'name' | 'role'>;

/** One for all: localeCompare looks its rules up at every call. */
const NAMES = new Intl.Collator('en', { numeric: true });

/** As people count: worker-2 before worker-10. Names that differ have an order: worker-2 and worker-02 too. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return NAMES.compare(a.name, b.name) || Number(a.name > b.name) - Number(a.name < b.name);
}

function ofRole<T extends Ranked>(nodes: readonly T[], role: NodeFact['role']): readonly T[] {
  return nodes.filter((node) => node.role === role).toSorted(byName);
}

export function controlPlanes<T extends Ranked>(nodes: readonly T[]): readonly T[] {
  return ofRole(nodes, 'control-plane');
}

export function workers<T extends Ranked>(nodes: readonly T[]): readonly T[] {
  return ofRole(nodes, 'worker');
}

/** `kubeadm upgrade apply` runs on this one, `kubeadm upgrade node` on all the others. */
export function firstControlPlane(nodes: readonly Ranked[]): string | undefined {
  return controlPlanes(nodes)[0]?.name;
}

/** Whether a mark of ours is on it that says that it still has to go. */
export function isMarked({
  pendingSince,
  excludedSince,
}: Pick<NodeOutline, 'pendingSince' | 'excludedSince'>): boolean {
  return pendingSince !== null || excludedSince !== null;
}

/** The same in words. */
export function marksOf({
  pendingSince,
  excludedSince,
}: Pick<NodeOutline, 'pendingSince' | 'excludedSince'>): readonly string[] {
  return [
    ...(pendingSince === null ? [] : [`tainted as waiting since ${pendingSince}`]),
    ...(excludedSince === null ? [] : [`out of load balancers since ${excludedSince}`]),
  ];
}

/** Left so by a run that was interrupted: to bring it back is what its own Job is for. */
export function isHalfWay({ ready, cordonedBy, unfinished }: NodeOutline): boolean {
  return ready !== 'yes' && (cordonedBy !== null || unfinished !== null);
}

/** True when the node shows the target everywhere that the API shows it, and neither a cordon of ours nor a step that has not ended is left on it. */
export function isOnTarget(node: NodeOutline, target: string): boolean {
  if (compareVersions(node.kubelet, target) < 0 || node.cordonedBy !== null || node.unfinished !== null) return false;
  return node.role === 'worker' || (node.apiServer !== null && compareVersions(node.apiServer, target) >= 0);
}

/** True when kubelet and, on a control plane, API server show the target, whatever its cordon and marks. */
export function hasTargetVersion(node: NodeOutline, target: string): boolean {
  return isOnTarget({ ...node, cordonedBy: null, unfinished: null }, target);
}
