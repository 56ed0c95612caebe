import type { NodeFact, TaintFact } from '../facts/node-fact.ts';
import { meets } from './label-selector.ts';
import type { PodPlacement, Toleration } from './pod-placement.ts';

/** Taints that the cluster itself puts on a node for a while, and takes away. */
const OF_THE_MOMENT = /^(node\.kubernetes\.io|node\.cloudprovider\.kubernetes\.io)\//;

/** Whether a node takes a pod by its labels and lasting taints, whatever its state and load. */
export function admits(node: NodeFact, placement: PodPlacement): boolean {
  const { nodeSelector, nodeAffinity, tolerations } = placement;
  const fields = { 'metadata.name': node.name };
  return (
    Object.entries(nodeSelector).every(([key, value]) => node.labels[key] === value) &&
    (nodeAffinity === null ||
      nodeAffinity.some(
        (term) =>
          // A term without any requirement matches nothing.
          term.labels.length + term.fields.length > 0 &&
          term.labels.every((requirement) => meets(requirement, node.labels)) &&
          term.fields.every((requirement) => meets(requirement, fields)),
      )) &&
    node.taints.filter(({ key }) => !OF_THE_MOMENT.test(key)).every((taint) => passes(tolerations, taint))
  );
}

/** Whether the scheduler would use such a node now. */
export function isUsable(node: NodeFact, placement: PodPlacement): boolean {
  if (node.ready !== 'yes') return false;
  const taints = node.taints.filter(({ key }) => OF_THE_MOMENT.test(key));
  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;
  return [...taints, ...(node.schedulable ? [] : [cordon])].every((taint) => passes(placement.tolerations, taint));
}

function passes(tolerations: readonly Toleration[], taint: TaintFact): boolean {
  return taint.effect === 'PreferNoSchedule' || toleratesTaint(tolerations, taint);
}

export function toleratesTaint(tolerations: readonly Toleration[], taint: TaintFact): boolean {
  return tolerations.some(({ key, operator, value, effect }) => {
    if (nonEmpty(effect) && effect !== taint.effect) return false;
    if (nonEmpty(key) && key !== taint.key) return false;
    switch (operator ?? '') {
      case 'Exists':
        return true;
      case '':
      case 'Equal':
        return nonEmpty(key) && (value ?? '') === (taint.value ?? '');
      // Of a later Kubernetes (Lt, Gt): taken for a yes.
      default:
        return true;
    }
  });
}

function nonEmpty(text: string | null | undefined): boolean {
  return text !== null && text !== undefined && text !== '';
}
