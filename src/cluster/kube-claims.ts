import { z } from 'zod';
import type { Cluster } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { createdOrExists } from './kube-jobs.ts';
import { AnyObject, ObjectMeta, orUndefined } from './kube-object.ts';

const Claim = z.object({
  metadata: ObjectMeta,
  status: z.object({ phase: z.string().default('') }).prefault({}),
});

/** PersistentVolumeClaims of our own namespace. */
export function kubeClaims({
  client,
  namespace,
}: KubeContext): Pick<Cluster, 'claims' | 'createClaim' | 'deleteClaim'> {
  const all = apiPath`/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
  return {
    async claims(selector, signal) {
      const doing = `listing the PersistentVolumeClaims in ${namespace} with ${selector}`;
      const found = await client.list({ doing, path: all, query: { labelSelector: selector } }, Claim, signal);
      return found.map(({ metadata, status }) => ({ name: metadata.name, phase: status.phase }));
    },

    async createClaim(manifest, signal) {
      const doing = `creating PersistentVolumeClaim ${namespace}/${manifest.metadata.name}`;
      return await createdOrExists(
        client.object({ doing, method: 'POST', path: all, body: manifest }, AnyObject, signal),
      );
    },

    async deleteClaim(name, signal) {
      const doing = `deleting PersistentVolumeClaim ${namespace}/${name}`;
      const path = apiPath`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
      await orUndefined(client.object({ doing, method: 'DELETE', path }, AnyObject, signal));
    },
  };
}
