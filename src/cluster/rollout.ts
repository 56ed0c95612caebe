import { z } from 'zod';
import type { PodOwner } from './cluster.ts';

const IntOrPercent = z.union([z.number().int(), z.string()]).nullish();

/** spec.strategy of a Deployment. */
export const Strategy = z.object({
  type: z.string().nullish(),
  rollingUpdate: z.object({ maxSurge: IntOrPercent, maxUnavailable: IntOrPercent }).nullish(),
});

/**
 * How many pods a rollout puts up beside the old ones and how many it lets go first
 * (`ResolveFenceposts` of the deployment controller); null for Recreate.
 */
export function rollingOf(
  strategy: z.infer<typeof Strategy> | null | undefined,
  replicas: number,
): PodOwner['rolling'] {
  if ((strategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') return null;
  const surge = resolved(strategy?.rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil);
  const unavailable = resolved(strategy?.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor);
  // A percentage that cannot be read says nothing of what goes first.
  if (Number.isNaN(surge + unavailable)) return null;
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function resolved(value: number | string, replicas: number, round: (share: number) => number): number {
  return typeof value === 'number' ? value : round((Number(value.replace('%', '')) / 100) * replicas);
}
