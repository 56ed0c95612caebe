import { z } from 'zod';
import type { Cluster, LockPlace } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { isConflict } from './kube-error.ts';
import { AnyObject, ObjectMeta, orUndefined } from './kube-object.ts';

const Container = z.object({
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string().nullish() })).nullish(),
});
const DaemonSet = z.object({
  metadata: ObjectMeta,
  spec: z.object({ template: z.object({ spec: z.object({ containers: z.array(Container).default([]) }) }) }),
});

/** The lock of kured, which it keeps in an annotation of its DaemonSet. No release of it uses a Lease. */
export function kubeRebootLock({ client }: KubeContext): Pick<Cluster, 'rebootLock' | 'writeRebootLock'> {
  const pathOf = ({ namespace, daemonSet }: LockPlace): string =>
    apiPath`/apis/apps/v1/namespaces/${namespace}/daemonsets/${daemonSet}`;
  return {
    async rebootLock(place, signal) {
      const doing = `reading DaemonSet ${place.namespace}/${place.daemonSet}`;
      const found = await orUndefined(client.object({ doing, path: pathOf(place) }, DaemonSet, signal));
      if (found === undefined) return undefined;
      return {
        text: found.metadata.annotations[place.annotation],
        concurrency: concurrencyOf(found.spec.template.spec.containers),
        version: found.metadata.resourceVersion,
      };
    },

    async writeRebootLock(place, text, version, signal) {
      const doing = `writing the lock of kured on DaemonSet ${place.namespace}/${place.daemonSet}`;
      const body = { metadata: { resourceVersion: version, annotations: { [place.annotation]: text } } };
      try {
        await client.object({ doing, method: 'PATCH', path: pathOf(place), patch: 'merge', body }, AnyObject, signal);
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },
  };
}

/** `--concurrency N`, `--concurrency=N` or KURED_CONCURRENCY, the largest of all containers. */
function concurrencyOf(containers: readonly z.infer<typeof Container>[]): number {
  const said = containers.flatMap(({ command, args, env }) => {
    const words = [...(command ?? []), ...(args ?? [])].join(' ');
    const flags = [...words.matchAll(/(?:^|\s)--?concurrency[=\s]+(\d+)/g)].map(([, number]) => Number(number));
    const variable = (env ?? []).find(({ name }) => name === 'KURED_CONCURRENCY')?.value ?? '';
    return /^\d+$/.test(variable) ? [...flags, Number(variable)] : flags;
  });
  return Math.max(1, ...said);
}
