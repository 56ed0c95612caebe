import { z } from 'zod';
import type { Cluster, LeaseFact } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { ClusterError, isAlreadyExists, isConflict } from './kube-error.ts';
import { AnyObject, ObjectMeta, orUndefined } from './kube-object.ts';

const Lease = z.object({
  metadata: ObjectMeta,
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      acquireTime: z.string().nullish(),
    })
    .default({}),
});

/** A read of one object has its answer in milliseconds. */
const LOOK_MS = 3000;

export function kubeLeases({
  client,
  clock,
  namespace,
}: KubeContext): Pick<Cluster, 'lease' | 'leases' | 'writeLease' | 'lookForAway'> {
  const collection = apiPath`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  return {
    async lease(name, signal) {
      const doing = `reading Lease ${namespace}/${name}`;
      const path = `${collection}/${encodeURIComponent(name)}`;
      const found = await orUndefined(client.object({ doing, path }, Lease, signal));
      return found === undefined ? undefined : leaseFact(found);
    },

    async leases(signal) {
      const found = await client.list({ doing: `listing the Leases in ${namespace}`, path: collection }, Lease, signal);
      return new Map(found.map((lease) => [lease.metadata.name, leaseFact(lease)]));
    },

    async lookForAway(name, signal) {
      const doing = `looking whether the API server reads Lease ${namespace}/${name}`;
      const path = `${collection}/${encodeURIComponent(name)}`;
      await client.object({ doing, path, onceWithinMs: LOOK_MS }, AnyObject, signal).catch((error: unknown) => {
        if (!(error instanceof ClusterError)) throw error;
      });
    },

    async writeLease(name, lease, version, signal) {
      const doing = `writing Lease ${namespace}/${name}`;
      const spec = {
        holderIdentity: lease.holder,
        leaseDurationSeconds: lease.durationSeconds,
        acquireTime: microTime(lease.generation),
        renewTime: microTime(clock.now().getTime()),
      };
      try {
        if (version === undefined) {
          const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec };
          await client.object({ doing, method: 'POST', path: collection, body }, AnyObject, signal);
        } else {
          const body = { metadata: { resourceVersion: version }, spec };
          const path = `${collection}/${encodeURIComponent(name)}`;
          await client.object({ doing, method: 'PATCH', path, patch: 'merge', body }, AnyObject, signal);
        }
        return true;
      } catch (error) {
        if (isConflict(error) || isAlreadyExists(error)) return false;
        throw error;
      }
    },
  };
}

function leaseFact({ metadata, spec }: z.infer<typeof Lease>): LeaseFact {
  return {
    holder: spec.holderIdentity ?? '',
    durationSeconds: spec.leaseDurationSeconds ?? 0,
    generation: Date.parse(spec.acquireTime ?? '') || 0,
    version: metadata.resourceVersion,
  };
}

/** The API server wants six fractional digits here. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
