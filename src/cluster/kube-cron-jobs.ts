import { z } from 'zod';
import type { Cluster } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { ClusterError } from './kube-error.ts';
import { createdOrExists } from './kube-jobs.ts';
import { AnyObject, ObjectMeta, orUndefined } from './kube-object.ts';

/** Loose where it is copied: a field that this program does not know must arrive in the Job all the same. */
const CronJob = z.object({
  metadata: ObjectMeta,
  spec: z.object({
    suspend: z.boolean().optional(),
    jobTemplate: z.object({
      metadata: z
        .object({
          labels: z.record(z.string(), z.string()).nullish(),
          annotations: z.record(z.string(), z.string()).nullish(),
        })
        .prefault({}),
      spec: z.looseObject({
        template: z.looseObject({
          spec: z.looseObject({ containers: z.array(z.looseObject({ image: z.string().optional() })) }),
        }),
      }),
    }),
  }),
});

const LogPod = z.object({
  metadata: ObjectMeta,
  spec: z.object({ containers: z.array(z.object({ name: z.string() })).default([]) }),
});

type CronJobCalls = Pick<Cluster, 'cronJob' | 'createJobFromCronJob' | 'jobLog'>;

const LOG_LIMIT_BYTES = '1048576';

export function kubeCronJobs({ client }: KubeContext): CronJobCalls {
  const cronJobPath = (namespace: string, name: string) =>
    apiPath`/apis/batch/v1/namespaces/${namespace}/cronjobs/${name}`;
  return {
    async cronJob(namespace, name, signal) {
      const doing = `reading CronJob ${namespace}/${name}`;
      const found = await orUndefined(client.object({ doing, path: cronJobPath(namespace, name) }, CronJob, signal));
      if (found === undefined) return undefined;
      return {
        suspended: found.spec.suspend ?? false,
        image: found.spec.jobTemplate.spec.template.spec.containers[0]?.image ?? '',
      };
    },

    async createJobFromCronJob(namespace, name, jobName, signal) {
      const doing = `creating Job ${namespace}/${jobName} from CronJob ${name}`;
      const cronJob = await client.object({ doing, path: cronJobPath(namespace, name) }, CronJob, signal);
      const { metadata: template, spec } = cronJob.spec.jobTemplate;
      const job = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: {
          name: jobName,
          namespace,
          labels: template.labels ?? {},
          annotations: { ...template.annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
          // As kubectl: no blockOwnerDeletion, for which most accounts have no permission.
          ownerReferences: [
            { apiVersion: 'batch/v1', kind: 'CronJob', name, uid: cronJob.metadata.uid, controller: true },
          ],
        },
        spec,
      };
      const path = apiPath`/apis/batch/v1/namespaces/${namespace}/jobs`;
      return createdOrExists(client.object({ doing, method: 'POST', path, body: job }, AnyObject, signal));
    },

    async jobLog(namespace, jobName, tailLines, signal) {
      const doing = `reading the log of Job ${namespace}/${jobName}`;
      const pods = await client.list(
        {
          doing,
          path: apiPath`/api/v1/namespaces/${namespace}/pods`,
          query: { labelSelector: `batch.kubernetes.io/job-name=${jobName}` },
        },
        LogPod,
        signal,
      );
      const age = ({ metadata }: z.infer<typeof LogPod>): string => metadata.creationTimestamp ?? '';
      const newest = pods.toSorted((a, b) => age(a).localeCompare(age(b))).at(-1);
      if (newest === undefined) {
        throw new ClusterError(`${doing}: the Job has no pod`, {
          status: 404,
          reason: 'NotFound',
          remedy: `See kubectl -n ${namespace} describe job ${jobName}.`,
        });
      }
      const { name } = newest.metadata;
      return client.text(
        {
          doing,
          path: apiPath`/api/v1/namespaces/${namespace}/pods/${name}/log`,
          query: {
            container:
              newest.metadata.annotations['kubectl.kubernetes.io/default-container'] ?? newest.spec.containers[0]?.name,
            tailLines: String(tailLines),
            limitBytes: LOG_LIMIT_BYTES,
          },
        },
        signal,
      );
    },
  };
}
