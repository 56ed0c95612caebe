import { isIP } from 'node:net';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { describeBody } from '../http/describe-body.ts';
import { parseVersion } from '../version.ts';
import type { Cluster } from './cluster.ts';
import { kubeClaims } from './kube-claims.ts';
import type { KubeClient } from './kube-client.ts';
import { kubeConfigMaps } from './kube-config-maps.ts';
import { type KubeContext, recordKeys } from './kube-context.ts';
import { kubeCronJobs } from './kube-cron-jobs.ts';
import { unreadableAnswer } from './kube-error.ts';
import { kubeJobs } from './kube-jobs.ts';
import { kubeLeases } from './kube-leases.ts';
import { kubeNodes } from './kube-nodes.ts';
import { orUndefined } from './kube-object.ts';
import { kubePods } from './kube-pods.ts';
import { kubeRebootLock } from './kube-reboot-lock.ts';
import type { KubeAnswer } from './kube-request.ts';
import { kubeWorkloads } from './kube-workloads.ts';

export interface KubeClusterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Namespace of our own objects: k8s-upgrade. */
  readonly namespace: string;
  /** Before the slash of every annotation and label that we write. */
  readonly annotationPrefix: string;
  /** nodes.exclude of the settings; default: none. */
  readonly excludedNodes?: Readonly<Record<string, string>>;
}

/** The port over the Kubernetes API. One file for each kind of object; what concerns the server itself is here. */
export function createKubeCluster(options: KubeClusterOptions): Cluster {
  const { client, clock, namespace } = options;
  const { excludedNodes = {} } = options;
  const context: KubeContext = { client, clock, namespace, keys: recordKeys(options.annotationPrefix), excludedNodes };
  return {
    ...kubeServer(context),
    ...kubeNodes(context),
    ...kubePods(context),
    ...kubeWorkloads(context),
    ...kubeConfigMaps(context),
    ...kubeJobs(context),
    ...kubeClaims(context),
    ...kubeCronJobs(context),
    ...kubeLeases(context),
    ...kubeRebootLock(context),
  };
}

/** The whole answer, or the last line after one for each check (k8s.io/apiserver `pkg/server/healthz`). */
const SAYS_WELL = /^ok$|\b(readyz|livez) check passed\s*$/;
const VersionInfo = z.object({ gitVersion: z.string() });
const Service = z.object({
  spec: z.object({
    clusterIP: z.string().optional(),
    ports: z
      .array(z.object({ name: z.string().optional(), port: z.number(), protocol: z.string().optional() }))
      .default([]),
  }),
});
const AccessReview = z.object({ status: z.object({ allowed: z.boolean() }) });

function kubeServer({
  client,
}: KubeContext): Pick<
  Cluster,
  'serverVersion' | 'serverTime' | 'awayMs' | 'health' | 'dnsService' | 'apiService' | 'allowed'
> {
  const service = async (namespace: string, name: string, protocol: string, signal: AbortSignal) => {
    const doing = `reading Service ${namespace}/${name}`;
    const path = `/api/v1/namespaces/${namespace}/services/${name}`;
    const found = await orUndefined(client.object({ doing, path }, Service, signal));
    const address = found?.spec.clusterIP ?? '';
    // A headless Service says 'None'.
    if (found === undefined || isIP(address) === 0) return undefined;
    const port = found.spec.ports.find((one) => one.protocol === protocol) ?? found.spec.ports[0];
    return { address, port: port?.port };
  };
  return {
    async serverVersion(signal) {
      const doing = "reading the API server's version";
      const { gitVersion } = await client.object({ doing, path: '/version' }, VersionInfo, signal);
      const version = parseVersion(gitVersion);
      if (version === undefined) {
        throw unreadableAnswer(
          doing,
          client.server,
          `it says "${gitVersion}", which is no release X.Y.Z of Kubernetes`,
        );
      }
      return version;
    },

    awayMs: () => client.awayMs(),

    async serverTime(signal) {
      const doing = "asking for the API server's time";
      const { date } = await client.answer({ doing, path: '/version' }, ({ status }) => status === 200, signal);
      return date;
    },

    async health(path, signal) {
      const doing = `asking ${path} of the API server`;
      const isAnswer = ({ status }: KubeAnswer): boolean => status !== 401 && status !== 403;
      const answer = await client.answer({ doing, path, query: { verbose: '' } }, isAnswer, signal);
      if (answer.status === 200 && SAYS_WELL.test(answer.body)) return { ok: true, detail: 'ok' };
      const failing = answer.body.split('\n').filter((line) => line.startsWith('[-]'));
      const said = failing.length === 0 ? ` with ${describeBody(answer.body)}` : `: ${failing.join(', ')}`;
      return { ok: false, detail: `HTTP ${answer.status}${said}` };
    },

    async dnsService(signal) {
      const found = await service('kube-system', 'kube-dns', 'UDP', signal);
      return found === undefined ? undefined : { address: found.address, port: found.port ?? 53 };
    },

    async apiService(signal) {
      const found = await service('default', 'kubernetes', 'TCP', signal);
      return found === undefined ? undefined : { address: found.address, port: found.port ?? 443 };
    },

    async allowed({ verb, group, resource, namespace, name }, signal) {
      const [kind = resource, subresource] = resource.split('/');
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: {
          resourceAttributes: {
            verb,
            group,
            resource: kind,
            namespace,
            ...(subresource === undefined ? {} : { subresource }),
            ...(name === undefined ? {} : { name }),
          },
        },
      };
      const doing = `asking whether we may ${verb} ${resource}`;
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      return (await client.object({ doing, method: 'POST', path, body }, AccessReview, signal)).status.allowed;
    },
  };
}
