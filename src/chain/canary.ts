import type { Context } from './phase.ts';
import { isCanary } from './rollout.ts';
import { nodeOf } from './step.ts';

/** Whether the others of its group wait for the worker of the step. The other workers are read only where there are canaries. */
export async function isStepOfCanary({ deps, step, target, signal }: Context): Promise<boolean> {
  const { rollout } = deps.settings;
  const name = nodeOf(step);
  if (name === undefined || step.phase !== 'worker' || rollout.canary.perGroup === 0) return false;
  return isCanary(name, { nodes: await deps.cluster.outlines(signal), rollout, target });
}
