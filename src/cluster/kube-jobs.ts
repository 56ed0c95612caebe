import { z } from 'zod';
import { atOnce } from '../at-once.ts';
import type { JobFact } from '../facts/facts.ts';
import { parseVersion } from '../version.ts';
import type { Cluster } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext, RecordKeys } from './kube-context.ts';
import { ClusterError, isAlreadyExists } from './kube-error.ts';
import { AnyObject, instant, ObjectMeta, orUndefined } from './kube-object.ts';

const Requirement = z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).default([]) });

const Job = z.object({
  metadata: ObjectMeta,
  spec: z.object({
    backoffLimit: z.int().default(6),
    template: z.object({
      spec: z.object({
        nodeName: z.string().optional(),
        nodeSelector: z.record(z.string(), z.string()).nullish(),
        affinity: z
          .object({
            nodeAffinity: z
              .object({
                requiredDuringSchedulingIgnoredDuringExecution: z
                  .object({ nodeSelectorTerms: z.array(z.object({ matchFields: z.array(Requirement).optional() })) })
                  .optional(),
              })
              .optional(),
          })
          .nullish(),
      }),
    }),
  }),
  status: z
    .object({
      failed: z.int().nullish(),
      completionTime: z.string().nullish(),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().optional(),
            lastTransitionTime: z.string().nullish(),
          }),
        )
        .nullish(),
    })
    .prefault({}),
});

type Job = z.infer<typeof Job>;

const EndedPod = z.object({
  metadata: ObjectMeta,
  status: z
    .object({
      containerStatuses: z
        .array(
          z.object({
            state: z
              .object({ terminated: z.object({ exitCode: z.int(), reason: z.string().default('') }).nullish() })
              .nullish(),
          }),
        )
        .nullish(),
    })
    .prefault({}),
});

/** SIGABRT: what V8 does when its heap is full. */
const ABORTED = 134;
const AT_ONCE = 4;

type JobCalls = Pick<Cluster, 'jobs' | 'job' | 'createJob' | 'deleteJob'>;

const DELETE_POLL_MS = 1_000;
/** Pods get their grace period and the controllers theirs; with the controller manager away nothing is ever gone. */
const DELETE_LIMIT_MS = 300_000;

export function kubeJobs({ client, clock, namespace, keys }: KubeContext): JobCalls {
  const read = (name: string, doing: string, signal: AbortSignal, where: string) =>
    orUndefined(client.object({ doing, path: apiPath`/apis/batch/v1/namespaces/${where}/jobs/${name}` }, Job, signal));
  /** Undefined for a pod that said by itself why it failed, and where that is not to be known: the Job has failed all the same. */
  const howItDied = async (name: string, signal: AbortSignal): Promise<string | undefined> => {
    const request = {
      doing: `listing the pods of Job ${namespace}/${name}`,
      path: apiPath`/api/v1/namespaces/${namespace}/pods`,
      query: { labelSelector: `batch.kubernetes.io/job-name=${name}` },
    };
    const pods = await client.list(request, EndedPod, signal).catch(() => []);
    const created = (pod: (typeof pods)[number]): string => pod.metadata.creationTimestamp ?? '';
    const last = pods.toSorted((a, b) => created(a).localeCompare(created(b))).at(-1);
    const ends = (last?.status.containerStatuses ?? []).flatMap(({ state }) => state?.terminated ?? []);
    const killed = ends.find(({ reason }) => reason === 'OOMKilled');
    if (killed !== undefined) return `killed for want of memory (OOMKilled, exit code ${killed.exitCode})`;
    const isAborted = ends.some(({ exitCode }) => exitCode === ABORTED);
    return isAborted ? `ended by its own heap, for want of memory (exit code ${ABORTED})` : undefined;
  };
  return {
    async jobs(selector, signal, which = 'all') {
      const found = await client.list(
        {
          doing: `listing the Jobs in ${namespace} with ${selector}`,
          path: apiPath`/apis/batch/v1/namespaces/${namespace}/jobs`,
          // The only field of a Job that the API server selects by.
          query: { labelSelector: selector, ...(which === 'open' ? { fieldSelector: 'status.successful=0' } : {}) },
        },
        Job,
        signal,
      );
      return await atOnce(found, AT_ONCE, async (job) => {
        const fact = jobFact(job, keys);
        const died = which === 'all' && fact.status === 'failed' ? await howItDied(fact.name, signal) : undefined;
        return died === undefined ? fact : { ...fact, died };
      });
    },

    async job(name, signal, where = namespace) {
      const job = await read(name, `reading Job ${where}/${name}`, signal, where);
      return job === undefined ? undefined : jobFact(job, keys);
    },

    createJob(manifest, signal) {
      const where = manifest.metadata.namespace ?? namespace;
      return createdOrExists(
        client.object(
          {
            doing: `creating Job ${where}/${manifest.metadata.name}`,
            method: 'POST',
            path: apiPath`/apis/batch/v1/namespaces/${where}/jobs`,
            // A key that an operator misspelt in the template is an error, not a key that is dropped without a word.
            query: { fieldValidation: 'Strict' },
            body: manifest,
          },
          AnyObject,
          signal,
        ),
      );
    },

    async deleteJob(name, signal, where = namespace, createdAt) {
      const doing = `deleting Job ${where}/${name}`;
      const job = await read(name, doing, signal, where);
      if (job === undefined) return;
      // Somebody else has replaced it meanwhile: that one is not what was looked at.
      if (createdAt !== undefined && instant(job.metadata.creationTimestamp) !== createdAt) return;
      const { uid } = job.metadata;
      await orUndefined(
        client.object(
          {
            doing,
            method: 'DELETE',
            path: apiPath`/apis/batch/v1/namespaces/${where}/jobs/${name}`,
            // Without a policy the pods would live on and go on working; the API server reads it from the body only.
            body: {
              apiVersion: 'v1',
              kind: 'DeleteOptions',
              propagationPolicy: 'Foreground',
              ...(uid === '' ? {} : { preconditions: { uid } }),
            },
          },
          AnyObject,
          signal,
        ),
      );
      const end = clock.now().getTime() + DELETE_LIMIT_MS;
      for (;;) {
        const left = await read(name, doing, signal, where);
        if (left === undefined || left.metadata.uid !== uid) return;
        if (clock.now().getTime() >= end) {
          throw new ClusterError(`${doing}: it is still there after ${DELETE_LIMIT_MS / 1000} s`, {
            status: 0,
            reason: 'Timeout',
            remedy: `See kubectl -n ${where} get pods -l job-name=${name}, and whether the kube-controller-manager runs.`,
          });
        }
        await clock.sleep(DELETE_POLL_MS, signal);
      }
    },
  };
}

/** Names are fixed, so one that is there already is an answer. */
export async function createdOrExists(call: Promise<unknown>): Promise<'created' | 'exists'> {
  try {
    await call;
    return 'created';
  } catch (error) {
    if (isAlreadyExists(error)) return 'exists';
    throw error;
  }
}

function jobFact({ metadata, spec, status }: Job, keys: RecordKeys): JobFact {
  const condition = (...types: string[]) =>
    status.conditions?.find(({ type, status: value }) => types.includes(type) && value === 'True');
  // FailureTarget and SuccessCriteriaMet come first, while pods still end: the outcome is settled from then on.
  const failed = condition('Failed') ?? condition('FailureTarget');
  const complete = condition('Complete') ?? condition('SuccessCriteriaMet');
  const deleting = typeof metadata.deletionTimestamp === 'string';
  return {
    name: metadata.name,
    phase: metadata.labels['phase'] ?? '',
    target: parseVersion((metadata.labels['target-version'] ?? '').replaceAll('-', '.')) ?? '',
    // The template gives every Job the annotation; it is empty where the phase is about no node.
    node: metadata.annotations[keys.node] || null,
    runner: runnerOf(spec.template.spec),
    status: deleting ? 'deleting' : failed !== undefined ? 'failed' : complete !== undefined ? 'complete' : 'active',
    reason: failed?.reason ?? '',
    createdAt: instant(metadata.creationTimestamp) ?? new Date(0).toISOString(),
    retriesLeft: Math.max(0, spec.backoffLimit - (status.failed ?? 0)),
    finishedAt: instant(status.completionTime ?? (failed ?? complete)?.lastTransitionTime),
  };
}

/** The one node that a pod template allows, whichever way it says so. */
function runnerOf({ nodeName, nodeSelector, affinity }: Job['spec']['template']['spec']): string | null {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const names = terms
    .flatMap(({ matchFields = [] }) => matchFields)
    .filter(({ key, operator }) => key === 'metadata.name' && operator === 'In')
    .flatMap(({ values }) => values);
  const [only] = names;
  if (only !== undefined && new Set(names).size === 1) return only;
  return nodeSelector?.['kubernetes.io/hostname'] ?? nodeName ?? null;
}
