import { z } from 'zod';
import type { WorkloadFact } from '../facts/facts.ts';
import type { Cluster, PodOwner, QuiescedWorkload, WorkloadRef } from './cluster.ts';
import { apiPath } from './kube-client.ts';
import type { KubeContext } from './kube-context.ts';
import { unreadableAnswer } from './kube-error.ts';
import { AnyObject, ObjectMeta, onConflictAgain, orUndefined } from './kube-object.ts';
import { rollingOf, Strategy } from './rollout.ts';

const Containers = z.array(z.object({ image: z.string().optional() })).nullish();

const Workload = z.object({
  metadata: ObjectMeta,
  spec: z.object({
    replicas: z.number().int().optional(),
    paused: z.boolean().optional(),
    strategy: Strategy.nullish(),
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()).nullish() }).nullish(),
      spec: z.object({ containers: Containers, initContainers: Containers }),
    }),
  }),
});

type Workload = z.infer<typeof Workload>;

type WorkloadCalls = Pick<Cluster, 'workloads' | 'quiesce' | 'quiescedWorkloads' | 'restore' | 'ownerOf' | 'restart'>;

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

const PLURALS = { Deployment: 'deployments', DaemonSet: 'daemonsets', StatefulSet: 'statefulsets' } as const;

export function kubeWorkloads({ client, keys }: KubeContext): WorkloadCalls {
  const list = (kind: keyof typeof PLURALS, signal: AbortSignal, labelSelector?: string) =>
    client.list(
      { doing: `listing the ${kind}s`, path: `/apis/apps/v1/${PLURALS[kind]}`, query: { labelSelector } },
      Workload,
      signal,
    );
  const pathOf = ({ kind, namespace, name }: WorkloadRef) =>
    apiPath`/apis/apps/v1/namespaces/${namespace}/${PLURALS[kind]}/${name}`;
  const read = (ref: WorkloadRef, doing: string, signal: AbortSignal) =>
    orUndefined(client.object({ doing, path: pathOf(ref) }, Workload, signal));
  const patch = (ref: WorkloadRef, doing: string, body: unknown, signal: AbortSignal) =>
    client.object({ doing, method: 'PATCH', path: pathOf(ref), patch: 'merge', body }, AnyObject, signal);

  /** The record on the object; undefined without one. @throws ClusterError for one that is no number: nobody may guess it. */
  const recorded = (ref: WorkloadRef, { metadata }: Workload): number | undefined => {
    const text = metadata.annotations[keys.replicasBefore];
    if (text === undefined) return undefined;
    if (/^\d{1,6}$/.test(text)) return Number(text);
    throw unreadableAnswer(
      `reading the record of ${describe(ref)}`,
      client.server,
      `its annotation ${keys.replicasBefore} is "${text}", which is no number of replicas`,
      undefined,
      `Scale it by hand, then remove that annotation and the label ${keys.quiesced}.`,
    );
  };

  return {
    async workloads(signal) {
      const kinds = ['Deployment', 'DaemonSet', 'StatefulSet'] as const;
      const lists = await Promise.all(
        kinds.map(async (kind) => (await list(kind, signal)).map((workload) => workloadFact(kind, workload))),
      );
      return lists.flat();
    },

    quiesce(ref, signal) {
      const doing = `scaling ${describe(ref)} to zero`;
      return onConflictAgain(async (): Promise<QuiescedWorkload | undefined> => {
        const found = await read(ref, doing, signal);
        if (found === undefined) return undefined;
        const before = recorded(ref, found);
        const replicas = found.spec.replicas ?? 1;
        // Zero without a record is somebody's wish: nothing to do now, and nothing to put back.
        if (replicas === 0) return { ...ref, replicasBefore: before ?? 0 };
        await patch(
          ref,
          doing,
          {
            metadata: {
              resourceVersion: found.metadata.resourceVersion,
              annotations: { [keys.replicasBefore]: String(before ?? replicas) },
              labels: { [keys.quiesced]: 'true' },
            },
            spec: { replicas: 0 },
          },
          signal,
        );
        return { ...ref, replicasBefore: before ?? replicas };
      });
    },

    async quiescedWorkloads(signal) {
      const kinds = ['Deployment', 'StatefulSet'] as const;
      const lists = await Promise.all(
        kinds.map(async (kind) => {
          const found = await list(kind, signal, `${keys.quiesced}=true`);
          return found.flatMap((workload) => {
            const ref = { kind, namespace: workload.metadata.namespace, name: workload.metadata.name };
            const replicasBefore = recorded(ref, workload);
            return replicasBefore === undefined ? [] : [{ ...ref, replicasBefore }];
          });
        }),
      );
      return lists.flat();
    },

    async ownerOf({ namespace, owner, labels }, signal): Promise<PodOwner | undefined> {
      const ref = ownerRef(namespace, owner, labels);
      if (ref === undefined) return undefined;
      const found = await read(ref, `reading ${describe(ref)}`, signal);
      if (found === undefined) return undefined;
      const { replicas = 1, paused = false, strategy, template } = found.spec;
      return {
        ...ref,
        replicas,
        paused,
        rolling: ref.kind === 'Deployment' ? rollingOf(strategy, replicas) : null,
        restartedAt: template.metadata?.annotations?.[RESTARTED_AT] ?? null,
      };
    },

    async restart(ref, at, signal) {
      const template = { metadata: { annotations: { [RESTARTED_AT]: at } } };
      await patch(ref, `restarting ${describe(ref)}`, { spec: { template } }, signal);
    },

    restore({ replicasBefore, ...ref }, signal) {
      const doing = `scaling ${describe(ref)} back to ${replicasBefore}`;
      return onConflictAgain(async () => {
        const found = await read(ref, doing, signal);
        if (found === undefined || recorded(ref, found) === undefined) return;
        // Somebody scaled it up meanwhile: theirs stays, only our record goes.
        const untouched = (found.spec.replicas ?? 1) === 0;
        await patch(
          ref,
          doing,
          {
            metadata: {
              resourceVersion: found.metadata.resourceVersion,
              annotations: { [keys.replicasBefore]: null },
              labels: { [keys.quiesced]: null },
            },
            ...(untouched ? { spec: { replicas: replicasBefore } } : {}),
          },
          signal,
        );
      });
    },
  };
}

function describe({ kind, namespace, name }: WorkloadRef): string {
  return `${kind} ${namespace}/${name}`;
}

/** A Deployment owns its pods through a ReplicaSet that is named after it and the hash that the pods have as a label. */
function ownerRef(
  namespace: string,
  owner: { readonly kind: string; readonly name: string } | null,
  labels: Readonly<Record<string, string>>,
): WorkloadRef | undefined {
  if (owner?.kind === 'StatefulSet') return { kind: 'StatefulSet', namespace, name: owner.name };
  const suffix = `-${labels['pod-template-hash'] ?? ''}`;
  if (owner?.kind !== 'ReplicaSet' || suffix === '-' || !owner.name.endsWith(suffix)) return undefined;
  return { kind: 'Deployment', namespace, name: owner.name.slice(0, -suffix.length) };
}

function workloadFact(kind: WorkloadFact['kind'], { metadata, spec }: Workload): WorkloadFact {
  const { containers, initContainers } = spec.template.spec;
  const images = [...(containers ?? []), ...(initContainers ?? [])].flatMap(({ image }) =>
    image === undefined ? [] : [image],
  );
  return { kind, namespace: metadata.namespace, name: metadata.name, images: [...new Set(images)] };
}
