import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';

export const DETECTOR = 'k8s-version-check';

/**
 * The CronJob's Job, now, as `kubectl create job --from` makes it; once for each name, as the Job of an earlier time is there for
 * a day, and its log with it. @returns the name of the Job.
 */
export async function startDetection(
  { cluster, settings: { namespace } }: Pick<Deps, 'cluster' | 'settings'>,
  why: string,
  signal: AbortSignal,
): Promise<string> {
  if ((await cluster.cronJob(namespace, DETECTOR, signal)) === undefined)
    throw new NightliftError('cluster', `starting the detection: there is no CronJob ${namespace}/${DETECTOR}`, {
      remedy: 'Install it (kubectl apply -k deploy, or terraform apply), or name its namespace with --namespace.',
    });
  const name = `${DETECTOR}-${why}`;
  await cluster.createJobFromCronJob(namespace, DETECTOR, name, why, signal);
  return name;
}
