import { z } from 'zod';
import { observedSchema } from '../observed.ts';
import { RunInventory } from './inventory.ts';
import { LastLook } from './last-look.ts';
import { NodeFact, OtherNodeFact, VersionText } from './node-fact.ts';
import { NodeSurvey } from './node-survey.ts';
import { StagingFact } from './staging.ts';

export const FACTS_SCHEMA = 'nightlift.facts/v1';

/** A workload whose images are compared with the addon matrix. */
export const WorkloadFact = z.object({
  kind: z.enum(['Deployment', 'DaemonSet', 'StatefulSet']),
  namespace: z.string(),
  name: z.string(),
  images: z.array(z.string()),
});

/** A series of apiserver_requested_deprecated_apis that is in use. */
export const DeprecatedApiFact = z.object({
  group: z.string().describe('empty for the core group'),
  version: z.string(),
  resource: z.string(),
  removedRelease: z.string().describe("the label removed_release, 'X.Y'; empty when the API server gives none"),
});

/** What Prometheus can know of the use of deprecated APIs. */
export const ApiServerMetricsFact = z.object({
  lookbackHours: z.number().positive().describe('how far back it was asked'),
  instances: z.array(
    z.object({
      job: z.string(),
      instance: z.string().describe('the label: host:port as a rule'),
      up: z.boolean().describe('scraped now'),
      since: z.iso
        .datetime()
        .describe('from when on nothing was missed: its oldest data within the look-back, or the start of its process'),
    }),
  ),
});

export const AlertFact = z.object({
  name: z.string(),
  severity: z.string().describe('empty when the alert has no such label'),
  state: z.enum(['firing', 'pending']),
  activeSince: z.iso.datetime().nullable(),
  summary: z.string().describe('annotation summary, else description, else empty'),
  labels: z.record(z.string(), z.string()),
});

export const JobFact = z.object({
  name: z.string(),
  phase: z
    .string()
    .describe('label phase: preflight, master, worker, postflight; empty for the detector and the report'),
  target: z.union([VersionText, z.literal('')]).describe('X.Y.Z from the label target-version; empty without one'),
  node: z.string().nullable().describe('the node that the Job upgrades'),
  runner: z.string().nullable().describe('the node that the Job is pinned to'),
  status: z.enum(['active', 'complete', 'failed', 'deleting']),
  reason: z.string().describe('of a failure: BackoffLimitExceeded, DeadlineExceeded, PodFailurePolicy; else empty'),
  died: z
    .string()
    .optional()
    .describe('how the last pod of a failed Job ended that could not say it itself: for want of memory; else absent'),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  retriesLeft: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('pods that may still fail before the Job fails, beside the one that runs; absent: not known'),
});

/** What one package source says of one minor. */
export const ReleaseFact = z.object({
  minor: z.string().regex(/^\d+\.\d+$/, 'give a minor as X.Y'),
  source: z.string().describe('which source was asked: apt on a node, or an URL'),
  versions: z
    .array(VersionText)
    .describe('X.Y.Z, ascending, those for which kubeadm, kubelet and kubectl are all there'),
});

export const GaugeFact = z.object({ name: z.string(), labels: z.record(z.string(), z.string()), value: z.number() });

export const PermissionFact = z.object({
  verb: z.string(),
  group: z.string(),
  resource: z.string().describe('with subresource: pods/eviction'),
  namespace: z.string().describe('empty for cluster-wide'),
  name: z.string().optional().describe('the one object; absent: all of them'),
  extra: z
    .enum(['kured', 'delete-pods', 'patch-workloads', 'smoke-claims'])
    .optional()
    .describe('absent: every run needs it'),
  allowed: z.boolean(),
});

/** A PodDisruptionBudget that allows nothing now, or that a pod has beside another. */
export const BudgetFact = z.object({
  namespace: z.string(),
  name: z.string(),
  disruptionsAllowed: z.number().int(),
  currentHealthy: z.number().int(),
  desiredHealthy: z.number().int(),
  expectedPods: z.number().int(),
  syncFailed: z
    .string()
    .optional()
    .describe('why the disruption controller cannot count its pods (condition DisruptionAllowed, reason SyncFailed)'),
  refusal: observedSchema(z.string().nullable())
    .optional()
    .describe(
      'the first no to an eviction with dryRun of a pod that is Ready and of one that is not; null: both would go; absent: not asked',
    ),
  nodes: z.array(z.string()).optional().describe('nodes from which a drain would evict pods of it; absent: not known'),
  overlaps: z
    .array(z.string())
    .optional()
    .describe('budgets of its namespace that cover a pod of it as well, which the API then never evicts'),
});

/** A pod that was told to go, and that a drain of its node would wait for. */
export const LeavingPodFact = z.object({
  namespace: z.string(),
  name: z.string(),
  node: z.string(),
  goneBy: z.iso.datetime().describe('when the grace period of its deletion ends, or ended'),
  graceSeconds: z.number(),
  finalizers: z.array(z.string()),
});

/** What a drain would evict of a node. */
export const DrainFact = z.object({
  node: z.string(),
  evicts: z.record(z.string(), z.number().int()).describe('number of pods by namespace'),
});

/** What a run may do (dry run, window, ceiling …), by the name of the setting, as the detector had it. */
export const RecordedLimits = z.object({
  values: z.record(z.string(), z.string()).describe('at its last look'),
  before: z
    .record(z.string(), z.string())
    .nullable()
    .describe('what they were until they changed; null: never recorded'),
  changedAt: z.iso.datetime().describe('when the detector saw the change'),
});

/**
 * Everything that the deciders use, read once, as one document: `nightlift facts` writes it, `gate`, `plan` and
 * `report --dry-run` read it back. It holds no secret.
 */
export const Facts = z.object({
  schema: z.literal(FACTS_SCHEMA),
  observedAt: z.iso.datetime(),
  apiServer: observedSchema(VersionText).describe('X.Y.Z that /version answers'),
  nodes: observedSchema(z.array(NodeFact)),
  otherNodes: observedSchema(z.array(OtherNodeFact))
    .default({ known: true, value: [] })
    .describe('nodes that are left out: Windows, virtual kubelets, kubelets of other distributions, nodes.exclude'),
  surveys: observedSchema(z.record(z.string(), observedSchema(NodeSurvey)))
    .optional()
    .describe('what each node says of itself, by name; absent in facts that an older version has written'),
  inventory: observedSchema(RunInventory)
    .optional()
    .describe(
      'which versions ran where before and after the newest run; absent in facts that an older version has written',
    ),
  kubeadmConfig: observedSchema(VersionText).describe(
    'X.Y.Z, kubernetesVersion of ConfigMap kube-system/kubeadm-config',
  ),
  kubeadmApi: observedSchema(z.string())
    .optional()
    .describe('apiVersion of the ClusterConfiguration in it; absent in facts that an older version has written'),
  killSwitch: observedSchema(z.object({ engaged: z.boolean(), reason: z.string() })),
  patchReleases: observedSchema(ReleaseFact).describe('the running minor, from apt on a control plane'),
  nextMinorReleases: observedSchema(ReleaseFact.nullable()).describe(
    'the next minor, from the package feed; null when there is no such minor yet',
  ),
  laterReleases: observedSchema(z.array(ReleaseFact))
    .optional()
    .describe(
      'the minors after the next one, from the package feed, as far as there are any; absent in facts that an older version has written',
    ),
  run: observedSchema(
    z.object({
      startedAt: z.iso.datetime().nullable().describe('when the run that is recorded as in flight was started'),
      target: z.string().nullable(),
      snapshotPath: z.string().nullable(),
      stopped: z.string().nullable().describe('where and why the run stopped before its end'),
      stoppedAt: z.iso.datetime().nullable().default(null).describe('when it did'),
      stoppedAs: z
        .enum(['blocked', 'held', 'paused', 'failed'])
        .nullable()
        .optional()
        .describe('how it did; absent in facts that an older version has written'),
      stoppedStep: z.string().nullable().optional().describe('the step in which it did: worker worker-2, preflight'),
      takenBack: z.array(z.string()).optional().describe('what that step had begun and put back as it was'),
      hops: z
        .array(z.object({ from: VersionText, target: VersionText, at: z.iso.datetime() }))
        .optional()
        .describe('upgrades that the detection of the newest night has begun, in their order'),
      apiAwaySeconds: z
        .number()
        .nonnegative()
        .nullable()
        .optional()
        .describe('how long the API server was away in the newest run'),
      apiAwayAtLeast: z.boolean().optional().describe('that this is only what was seen of it'),
      notDrained: z
        .string()
        .nullable()
        .optional()
        .describe('the target to which the newest run upgraded a node without draining it; null: none'),
    }),
  ).describe('the record of the run on our namespace'),
  firstSeen: observedSchema(z.record(z.string(), z.iso.datetime())).describe(
    'when the detector first saw a version, by version',
  ),
  limits: observedSchema(RecordedLimits.nullable())
    .default({ known: false, why: 'the program that wrote these facts did not know of them' })
    .describe('the limits of the last night; null before the first look'),
  lastLook: observedSchema(LastLook.nullable())
    .optional()
    .describe('the last look; null before the first; absent in facts that an older version has written'),
  staging: observedSchema(StagingFact.nullable())
    .optional()
    .describe('how staging fares; null: there is none; absent in facts that an older version has written'),
  workloads: observedSchema(z.array(WorkloadFact)),
  deprecatedApis: observedSchema(z.array(DeprecatedApiFact)),
  apiServerMetrics: observedSchema(ApiServerMetricsFact)
    .optional()
    .describe('of which API servers Prometheus has metrics; absent in facts that an older version has written'),
  alerts: observedSchema(z.array(AlertFact)),
  budgets: observedSchema(z.array(BudgetFact)).describe('budgets that allow no disruption now, or share pods'),
  leavingPods: observedSchema(z.array(LeavingPodFact))
    .optional()
    .describe('pods that are terminating; absent in facts that an older version has written'),
  drains: observedSchema(z.array(DrainFact))
    .optional()
    .describe(
      'what a drain would evict of each node, of the first hundred of them; absent in facts that an older version has written',
    ),
  permissions: observedSchema(z.array(PermissionFact)).describe('what the asking account may and may not do'),
  chainJobs: observedSchema(z.array(JobFact)),
  gauges: observedSchema(z.array(GaugeFact)).describe('the k8s_upgrade_* and k8s_version_* series of the Pushgateway'),
});

export type WorkloadFact = z.infer<typeof WorkloadFact>;
export type DeprecatedApiFact = z.infer<typeof DeprecatedApiFact>;
export type ApiServerMetricsFact = z.infer<typeof ApiServerMetricsFact>;
export type AlertFact = z.infer<typeof AlertFact>;
export type JobFact = z.infer<typeof JobFact>;
export type ReleaseFact = z.infer<typeof ReleaseFact>;
export type GaugeFact = z.infer<typeof GaugeFact>;
export type PermissionFact = z.infer<typeof PermissionFact>;
export type RecordedLimits = z.infer<typeof RecordedLimits>;
export type LeavingPodFact = z.infer<typeof LeavingPodFact>;
export type DrainFact = z.infer<typeof DrainFact>;
export type BudgetFact = z.infer<typeof BudgetFact>;
export type Facts = z.infer<typeof Facts>;

/** A part of the facts that is read by itself. */
export type FactPart = Exclude<keyof Facts, 'schema' | 'observedAt'>;

export const ALL_FACTS: readonly FactPart[] = Object.keys(Facts.shape).filter(
  (key): key is FactPart => key !== 'schema' && key !== 'observedAt',
);
