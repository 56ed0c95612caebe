import type { Node, NodeSelectorTerm, Pod, Taint, Toleration } from '../api/kinds.ts';
import { meets } from '../api/selector.ts';

const UNSCHEDULABLE_KEY = 'node.kubernetes.io/unschedulable';

/** Why a pod may not be placed on a node, in the scheduler's own words; undefined when it may. */
export function misfit(pod: Pod, node: Node): string | undefined {
  const { tolerations = [] } = pod.spec;
  if (node.spec.unschedulable === true && !tolerates(tolerations, { key: UNSCHEDULABLE_KEY, effect: 'NoSchedule' })) {
    return 'node(s) were unschedulable';
  }
  const taint = untolerated(pod, node, ['NoSchedule', 'NoExecute']);
  if (taint !== undefined) return 'node(s) had untolerated taint(s)';
  if (!fitsSelectors(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  return undefined;
}

export function fitsSelectors({ spec }: Pod, node: Node): boolean {
  const { labels = {} } = node.metadata;
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => fitsTerm(term, node));
}

/** Terms are alternatives, requirements of a term all count; a term without any matches nothing. */
function fitsTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((requirement) => meets(requirement, node.metadata.labels ?? {})) &&
    matchFields.every((requirement) => meets(requirement, fields))
  );
}

export function untolerated({ spec }: Pod, node: Node, effects: readonly string[]): Taint | undefined {
  return node.spec.taints?.find((taint) => effects.includes(taint.effect) && !tolerates(spec.tolerations ?? [], taint));
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some((toleration) => toleratesTaint(toleration, taint));
}

export function toleratesTaint(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
  if (toleration.key !== undefined && toleration.key !== '' && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  return (toleration.value ?? '') === (taint.value ?? '') && (toleration.key ?? '') !== '';
}
