import { z } from 'zod';
import type { Cluster, JobOrigin } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { ClusterError } from './kube-error.ts';
import { createdOrExists } from './kube-jobs.ts';
import { AnyObject, instant, ObjectMeta, orUndefined } from './kube-object.ts';

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

const Program = z.object({
  image: z.string().nullish(),
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
});

const PodSpec = z.object({
  nodeName: z.string().nullish(),
  initContainers: z.array(Program).nullish(),
  containers: z
    .array(
      Program.extend({
        name: z.string(),
        volumeMounts: z
          .array(
            z.object({
              name: z.string(),
              mountPath: z.string(),
              subPath: z.string().nullish(),
              subPathExpr: z.string().nullish(),
            }),
          )
          .nullish(),
      }),
    )
    .default([]),
  volumes: z.array(z.object({ name: z.string(), hostPath: z.object({ path: z.string() }).nullish() })).nullish(),
});

const JobPod = z.object({ metadata: ObjectMeta, spec: PodSpec });
type JobPod = z.infer<typeof JobPod>;

const OwnJob = z.object({ metadata: ObjectMeta, spec: z.object({ template: z.object({ spec: PodSpec }) }) });

/** What decides what a pod does and says: a webhook may add a container's environment, but not change this. */
function programOf(spec: unknown): string {
  const { initContainers, containers } = PodSpec.parse(spec);
  const parts = [...(initContainers ?? []), ...containers];
  return JSON.stringify(parts.map(({ image, command, args }) => [image, command ?? [], args ?? []]));
}

/** Directories of its first container that are the node's; what is mounted by a part of its path only is not looked at. */
function hostPathsOf({ spec }: JobPod): JobOrigin['hostPaths'] {
  const onNode = new Map((spec.volumes ?? []).map(({ name, hostPath }) => [name, hostPath?.path]));
  return (spec.containers[0]?.volumeMounts ?? []).flatMap(({ name, mountPath, subPath, subPathExpr }) => {
    const path = onNode.get(name);
    return path === undefined || subPath || subPathExpr ? [] : [{ inPod: mountPath, onNode: path }];
  });
}

function controllerOf({ ownerReferences }: z.infer<typeof ObjectMeta>, kind: string): string | null {
  return ownerReferences?.find((owner) => owner.controller === true && owner.kind === kind)?.uid ?? null;
}

type CronJobCalls = Pick<Cluster, 'cronJob' | 'createJobFromCronJob' | 'jobOrigin' | 'jobLog'>;

const LOG_LIMIT_BYTES = '1048576';

export function kubeCronJobs({ client, keys }: KubeContext): CronJobCalls {
  const cronJobPath = (namespace: string, name: string) =>
    apiPath`/apis/batch/v1/namespaces/${namespace}/cronjobs/${name}`;
  const readJob = (doing: string, namespace: string, name: string, signal: AbortSignal) =>
    orUndefined(
      client.object({ doing, path: apiPath`/apis/batch/v1/namespaces/${namespace}/jobs/${name}` }, OwnJob, signal),
    );
  /** The label alone would do for anybody's pod: only the Job controller makes a pod whose controller is this Job. */
  const newestPod = async (
    doing: string,
    job: z.infer<typeof OwnJob>,
    signal: AbortSignal,
  ): Promise<JobPod | undefined> => {
    const { name, namespace, uid } = job.metadata;
    const path = apiPath`/api/v1/namespaces/${namespace}/pods`;
    const query = { labelSelector: `batch.kubernetes.io/job-name=${name}` };
    const pods = await client.list({ doing, path, query }, JobPod, signal);
    const age = ({ metadata }: JobPod): string => metadata.creationTimestamp ?? '';
    return pods
      .filter(({ metadata }) => controllerOf(metadata, 'Job') === uid)
      .toSorted((a, b) => age(a).localeCompare(age(b)))
      .at(-1);
  };
  return {
    async cronJob(namespace, name, signal) {
      const doing = `reading CronJob ${namespace}/${name}`;
      const found = await orUndefined(client.object({ doing, path: cronJobPath(namespace, name) }, CronJob, signal));
      if (found === undefined) return undefined;
      return {
        uid: found.metadata.uid,
        program: programOf(found.spec.jobTemplate.spec.template.spec),
        suspended: found.spec.suspend ?? false,
        image: found.spec.jobTemplate.spec.template.spec.containers[0]?.image ?? '',
      };
    },

    async createJobFromCronJob(namespace, name, jobName, run, signal) {
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
          annotations: { ...template.annotations, 'cronjob.kubernetes.io/instantiate': 'manual', [keys.run]: run },
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

    async jobOrigin(namespace, name, signal) {
      const doing = `reading where Job ${namespace}/${name} comes from`;
      const job = await readJob(doing, namespace, name, signal);
      if (job === undefined) return undefined;
      const pod = await newestPod(doing, job, signal);
      return {
        createdAt: instant(job.metadata.creationTimestamp) ?? new Date(0).toISOString(),
        cronJob: controllerOf(job.metadata, 'CronJob'),
        run: job.metadata.annotations[keys.run] ?? null,
        program: programOf(job.spec.template.spec),
        node: pod?.spec.nodeName ?? null,
        hostPaths: pod === undefined ? [] : hostPathsOf(pod),
      };
    },

    async jobLog(namespace, jobName, tailLines, signal) {
      const doing = `reading the log of Job ${namespace}/${jobName}`;
      const job = await readJob(doing, namespace, jobName, signal);
      const newest = job === undefined ? undefined : await newestPod(doing, job, signal);
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
