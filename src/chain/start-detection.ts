import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';

const DETECTOR = 'k8s-version-check';

/**
 * The CronJob's Job, now, as `kubectl create job --from` makes it. Its name is its own: the Job of an earlier time is there for a
 * day, and its log with it. @returns the name.
 */
export async function startDetection(
  { cluster, clock, settings: { namespace } }: Pick<Deps, 'cluster' | 'clock' | 'settings'>,
  signal: AbortSignal,
): Promise<string> {
  if ((await cluster.cronJob(namespace, DETECTOR, signal)) === undefined)
    throw new NightliftError('cluster', `starting the detection: there is no CronJob ${namespace}/${DETECTOR}`, {
      remedy: 'Install it (kubectl apply -k deploy, or terraform apply), or name its namespace with --namespace.',
    });
  const name = `${DETECTOR}-by-hand-${clock.now().getTime().toString(36)}`;
  await cluster.createJobFromCronJob(namespace, DETECTOR, name, 'by hand', signal);
  return name;
}
