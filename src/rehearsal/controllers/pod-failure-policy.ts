import type { Job, Pod, PodFailureRule } from '../api/kinds.ts';

export type FailureAction =
  | { readonly kind: 'count' | 'ignore'; readonly message?: undefined }
  | { readonly kind: 'failJob'; readonly message: string };

/** What the first matching rule of `podFailurePolicy` does with a failed pod; without one it counts. */
export function failureAction({ spec }: Job, pod: Pod): FailureAction {
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const match = matchRule(rule, pod);
    if (match === undefined) continue;
    if (rule.action === 'Ignore') return { kind: 'ignore' };
    if (rule.action === 'Count') return { kind: 'count' };
    if (rule.action === 'FailJob')
      return { kind: 'failJob', message: `${match} matching FailJob rule at index ${index}` };
  }
  return { kind: 'count' };
}

function matchRule({ onExitCodes, onPodConditions }: PodFailureRule, pod: Pod): string | undefined {
  const subject = `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
  if (onExitCodes !== undefined) {
    for (const { name, state } of pod.status.containerStatuses ?? []) {
      const code = state?.terminated?.exitCode;
      if (code === undefined || code === 0) continue;
      if (onExitCodes.containerName !== undefined && onExitCodes.containerName !== name) continue;
      if (onExitCodes.values.includes(code) === (onExitCodes.operator === 'In')) {
        return `Container ${name} for ${subject} failed with exit code ${code}`;
      }
    }
  }
  const condition = onPodConditions?.find((wanted) =>
    pod.status.conditions?.some(({ type, status }) => type === wanted.type && status === (wanted.status ?? 'True')),
  );
  return condition === undefined
    ? undefined
    : `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${condition.type}`;
}
