import { z } from 'zod';
import type { Cluster, EvictionResult, PodFact } from './cluster.ts';
import { apiPath, type KubeAnswer } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { answerError, parseStatus, type Status } from './kube-error.ts';
import { ObjectMeta } from './kube-object.ts';

const Pod = z.object({
  metadata: ObjectMeta.extend({
    ownerReferences: z
      .array(z.object({ kind: z.string(), name: z.string(), controller: z.boolean().optional() }))
      .default([]),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    containers: z.array(z.object({ image: z.string().optional() })).default([]),
    volumes: z.array(z.object({ emptyDir: z.unknown().optional() })).nullish(),
    terminationGracePeriodSeconds: z.number().optional(),
  }),
  status: z
    .object({
      phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).default('Unknown'),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
});

const Budget = z.object({
  metadata: ObjectMeta,
  status: z
    .object({
      disruptionsAllowed: z.number().int().default(0),
      currentHealthy: z.number().int().default(0),
      desiredHealthy: z.number().int().default(0),
      expectedPods: z.number().int().default(0),
    })
    .prefault({}),
});

type PodCalls = Pick<Cluster, 'pods' | 'budgets' | 'evict'>;

/** kubectl's pause between two tries of an eviction that a budget refused. */
const BLOCKED_PAUSE_MS = 5_000;

export function kubePods({ client }: KubeContext): PodCalls {
  return {
    async pods({ node, namespace, labels }, signal) {
      const where = [
        namespace === undefined ? undefined : `in ${namespace}`,
        node === undefined ? undefined : `on ${node}`,
        labels,
      ];
      const found = await client.list(
        {
          doing: ['listing the pods', ...where].filter((part) => part !== undefined).join(' '),
          path: namespace === undefined ? '/api/v1/pods' : apiPath`/api/v1/namespaces/${namespace}/pods`,
          query: { fieldSelector: node === undefined ? undefined : `spec.nodeName=${node}`, labelSelector: labels },
        },
        Pod,
        signal,
      );
      return found.map(podFact);
    },

    async budgets(signal) {
      const found = await client.list(
        { doing: 'listing the PodDisruptionBudgets', path: '/apis/policy/v1/poddisruptionbudgets' },
        Budget,
        signal,
      );
      return found.map(({ metadata, status }) => ({ namespace: metadata.namespace, name: metadata.name, ...status }));
    },

    async evict(pod, signal) {
      const doing = `evicting pod ${pod.namespace}/${pod.name}`;
      const answer = await client.answer(
        {
          doing,
          method: 'POST',
          path: apiPath`/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/eviction`,
          body: {
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name: pod.name, namespace: pod.namespace },
            // A StatefulSet's next pod has the same name: only this very pod is meant.
            deleteOptions: { preconditions: { uid: pod.uid } },
          },
        },
        // Everything but a server that is away is an answer that a drain has to look at.
        (status) => status !== 502 && status !== 503,
        signal,
      );
      const result = evictionResult(answer);
      if (result === undefined) throw answerError(doing, client.server, answer);
      return result;
    },
  };
}

function podFact({ metadata, spec, status }: z.infer<typeof Pod>): PodFact {
  const owner = metadata.ownerReferences.find(({ controller }) => controller === true);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName ?? null,
    phase: status.phase,
    ready: status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    deleting: typeof metadata.deletionTimestamp === 'string',
    mirror: metadata.annotations['kubernetes.io/config.mirror'] !== undefined,
    owner: owner === undefined ? null : { kind: owner.kind, name: owner.name },
    usesEmptyDir: (spec.volumes ?? []).some(({ emptyDir }) => emptyDir !== undefined),
    labels: metadata.labels,
    images: spec.containers.flatMap(({ image }) => (image === undefined ? [] : [image])),
    terminationGraceSeconds: spec.terminationGracePeriodSeconds ?? 30,
  };
}

const TWO_BUDGETS = /more than one PodDisruptionBudget/;
const BUDGET_IN_DOUBT = /disruptions allowed is negative|DisruptedPods map too big/i;

/**
 * What an eviction's answer means (`pkg/registry/core/pod/storage/eviction.go`); undefined for an error that is not
 * about this pod. A Status in the body counts for more than the HTTP code: some servers say 201 around a failure.
 */
export function evictionResult(answer: KubeAnswer): EvictionResult | undefined {
  const status = parseStatus(answer.body);
  const code = status?.status === 'Failure' ? (status.code ?? answer.status) : answer.status;
  const message = status?.message ?? `HTTP ${code}`;
  const retryAfterMs = retryAfter(status, answer);
  const causes = status?.details?.causes ?? [];
  const isAbout = (cause: string): boolean => causes.some(({ reason }) => reason === cause);

  if (code >= 200 && code < 300) return { kind: 'accepted' };
  switch (code) {
    case 404:
      return { kind: 'gone' };
    case 409:
      // The precondition failed: another pod has this name now, or this one changed under the API server's hands.
      return /precondition|uid/i.test(message) ? { kind: 'gone' } : { kind: 'busy', message, retryAfterMs };
    case 429:
      // API Priority and Fairness sends 429 as well, without a cause: that is no budget's doing.
      if (!isAbout('DisruptionBudget')) return { kind: 'busy', message, retryAfterMs };
      // The Status itself only says that there is a budget; its cause says which one, and what it lacks.
      return {
        kind: 'blocked',
        message: causes.find(({ reason }) => reason === 'DisruptionBudget')?.message ?? message,
        retryAfterMs,
      };
    case 403:
      if (BUDGET_IN_DOUBT.test(message)) return { kind: 'blocked', message, retryAfterMs };
      return isAbout('NamespaceTerminating') ? { kind: 'busy', message, retryAfterMs } : undefined;
    case 500:
      if (TWO_BUDGETS.test(message)) return { kind: 'impossible', message };
      return { kind: 'busy', message, retryAfterMs };
    case 504:
      return { kind: 'busy', message, retryAfterMs };
    default:
      return undefined;
  }
}

/** Zero means "no advice" here (the API server's answer for a budget): then kubectl's own pause. */
function retryAfter(status: Status | undefined, answer: KubeAnswer): number {
  const advised = (status?.details?.retryAfterSeconds ?? 0) * 1000 || (answer.retryAfterMs ?? 0);
  return advised > 0 ? advised : BLOCKED_PAUSE_MS;
}
