import { firstControlPlane } from '../facts/nodes.ts';
import type { Context } from './phase.ts';
import { jobName } from './step.ts';

/** The name of the Job that runs the step: the first control plane's has none of a node in it. */
export async function ownJobName(
  { deps, step, target }: Pick<Context, 'deps' | 'step' | 'target'>,
  signal: AbortSignal,
): Promise<string> {
  const masters = step.phase === 'master' ? await deps.cluster.controlPlanes(signal) : [];
  return jobName(step, target, firstControlPlane(masters));
}
