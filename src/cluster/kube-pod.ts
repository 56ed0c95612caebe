import { z } from 'zod';
import type { PodFact } from './cluster.ts';
import { instant, ObjectMeta } from './kube-object.ts';
import { PlacementSpec, placementOf } from './pod-placement.ts';

const ContainerStatuses = z
  .array(z.object({ state: z.object({ waiting: z.object({ reason: z.string().default('') }).optional() }).optional() }))
  .nullish();

export const Pod = z.object({
  metadata: ObjectMeta.extend({
    ownerReferences: z
      .array(z.object({ kind: z.string(), name: z.string(), controller: z.boolean().optional() }))
      .default([]),
    finalizers: z.array(z.string()).default([]),
  }),
  spec: PlacementSpec.extend({
    nodeName: z.string().optional(),
    volumes: z
      .array(
        z.object({
          emptyDir: z.unknown().optional(),
          persistentVolumeClaim: z.unknown().optional(),
          ephemeral: z.unknown().optional(),
        }),
      )
      .nullish(),
    terminationGracePeriodSeconds: z.number().optional(),
  }),
  status: z
    .object({
      phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).default('Unknown'),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
          }),
        )
        .default([]),
      podIP: z.string().optional(),
      containerStatuses: ContainerStatuses,
      initContainerStatuses: ContainerStatuses,
    })
    .prefault({}),
});

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
const API_SERVER_ADDRESS = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint';

export function podFact({ metadata, spec, status }: z.infer<typeof Pod>): PodFact {
  const owner = metadata.ownerReferences.find(({ controller }) => controller === true);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName ?? null,
    phase: status.phase,
    ready: status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    crashLooping: [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].some(
      ({ state }) => state?.waiting?.reason === 'CrashLoopBackOff',
    ),
    ip: status.podIP ?? null,
    unschedulable:
      status.conditions.find(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable')?.message ??
      null,
    deleting: typeof metadata.deletionTimestamp === 'string',
    // The API server adds the grace period when it writes this time.
    goneBy: instant(metadata.deletionTimestamp),
    finalizers: metadata.finalizers,
    mirror: metadata.annotations['kubernetes.io/config.mirror'] !== undefined,
    owner: owner === undefined ? null : { kind: owner.kind, name: owner.name },
    usesEmptyDir: (spec.volumes ?? []).some(({ emptyDir }) => emptyDir !== undefined),
    usesClaim: (spec.volumes ?? []).some(
      ({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined,
    ),
    labels: metadata.labels,
    images: spec.containers.flatMap(({ image }) => (image === undefined ? [] : [image])),
    terminationGraceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    restartedAt: metadata.annotations[RESTARTED_AT] ?? null,
    apiServerAddress: metadata.annotations[API_SERVER_ADDRESS] ?? null,
    placement: placementOf(spec),
  };
}
