import { z } from 'zod';

const RELEASE = /^\d+\.\d+\.\d+$/;

/** As the adapters give it: facts that a person wrote are held to it too, field by field. */
export const VersionText = z.string().regex(RELEASE, 'give a version as X.Y.Z, without a leading "v"');

const TaintFact = z.object({
  key: z.string(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

/** What an upgrade wants to know of a Node object. */
export const NodeFact = z.object({
  name: z.string(),
  role: z
    .enum(['control-plane', 'worker'])
    .describe('by the label node-role.kubernetes.io/control-plane, or by the static pod of an API server'),
  kubelet: VersionText.describe('X.Y.Z, from status.nodeInfo.kubeletVersion'),
  apiServer: VersionText.nullable().describe(
    'X.Y.Z of the kube-apiserver static pod of a control plane, from its image; null for workers and when there is no such pod',
  ),
  internalIp: z.string().nullable().describe('first address of type InternalIP: the one way to the node (D16)'),
  ready: z.enum(['yes', 'no', 'unknown']),
  readySince: z.iso
    .datetime()
    .nullable()
    .describe('last transition of the condition Ready, UTC; null when the node gives none'),
  memoryPressure: z.boolean(),
  diskPressure: z.boolean(),
  schedulable: z.boolean().describe('false when cordoned (spec.unschedulable)'),
  cordonedBy: z.string().nullable().describe('what Nightlift wrote when it cordoned the node; null when it did not'),
  unfinished: z
    .string()
    .nullable()
    .describe('the target of a step that was begun on the node and has not ended; null without one'),
  finished: z
    .string()
    .nullable()
    .default(null)
    .describe('target and time of the last step that ended well on it, where the rollout goes by that; else null'),
  failed: z
    .string()
    .nullable()
    .default(null)
    .describe('target and night of a step that failed on it while others went on, and why; null without one'),
  pendingSince: z
    .string()
    .nullable()
    .default(null)
    .describe('when Nightlift put its PreferNoSchedule taint on the node, which still has to go; null when it did not'),
  excludedSince: z
    .string()
    .nullable()
    .default(null)
    .describe('when Nightlift took the node out of external load balancers; null when it did not'),
  taints: z.array(TaintFact),
  labels: z.record(z.string(), z.string()).default({}),
  allocatable: z
    .record(z.string(), z.number())
    .default({})
    .describe('cpu in thousandths of a core, everything else in its own unit; empty when the node does not say'),
  machineId: z.string().default('').describe('status.nodeInfo.machineID; empty when the node gives none'),
  criSocket: z
    .string()
    .nullable()
    .default(null)
    .describe('annotation kubeadm.alpha.kubernetes.io/cri-socket, by which kubeadm goes; null without one'),
  architecture: z.string(),
  osImage: z.string(),
  kernel: z.string(),
  containerRuntime: z.string().describe('for example containerd://1.7.24'),
  createdAt: z.iso.datetime(),
});

/** What the order of a chain goes by: as much of a node as one line says of it. */
export type NodeOutline = Pick<
  NodeFact,
  | 'name'
  | 'role'
  | 'kubelet'
  | 'apiServer'
  | 'ready'
  | 'schedulable'
  | 'cordonedBy'
  | 'unfinished'
  | 'finished'
  | 'failed'
  | 'labels'
  | 'pendingSince'
  | 'excludedSince'
>;

/** A node that is there and is not upgraded by us. */
export const OtherNodeFact = z.object({
  name: z.string(),
  kubelet: z.string().describe('as it is written in status.nodeInfo.kubeletVersion'),
  why: z.string().describe('why it is left out'),
});

export type OtherNodeFact = z.infer<typeof OtherNodeFact>;
export type NodeFact = z.infer<typeof NodeFact>;
export type TaintFact = z.infer<typeof TaintFact>;
