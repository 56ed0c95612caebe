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
export function rollingOf(strategy: z.infer<typeof Strategy> | null | undefined, replicas: number): PodOwner['rolling'] {
  if ((strategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') return null;
  const surge = resolved(strategy?.rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil);
  const unavailable = resolved(strategy?.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function resolved(value: number | string, replicas: number, round: (share: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = Number(value.replace('%', ''));
  // Unreadable means that nothing is known of it: as a rollout that puts up nothing first.
  return Number.isFinite(percent) ? round((percent / 100) * replicas) : 0;
}
