import type { DrainPolicy } from './drain.ts';

export type Policy = Pick<DrainPolicy, 'action' | 'afterSeconds'>;

/** The policy for a pod under these budgets: one for a budget by name goes before one for the whole namespace. */
export function policyFor(policies: readonly DrainPolicy[], namespace: string, budgets: readonly string[]): Policy {
  const here = policies.filter((policy) => policy.namespace === namespace);
  return (
    here.find(({ budget }) => budgets.includes(budget)) ??
    here.find(({ budget }) => budget === '') ?? { action: 'wait', afterSeconds: 0 }
  );
}
