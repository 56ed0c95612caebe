import type { BudgetFact, JobFact, WorkloadFact } from '../facts/facts.ts';
import type { ImageSources } from '../facts/image-sources.ts';
import type { NodeFact, NodeOutline, OtherNodeFact } from '../facts/node-fact.ts';
import type { LabelSelector } from './label-selector.ts';
import type { PodPlacement } from './pod-placement.ts';

/** A pod as far as a drain and the health checks look at it. */
export interface PodFact {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string | null;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  readonly ready: boolean;
  /** A container of it waits in CrashLoopBackOff. */
  readonly crashLooping: boolean;
  /** Its own address; null before it has one. */
  readonly ip: string | null;
  /** Why the scheduler finds no node for it, in its words; null when it has one, or has not said so. */
  readonly unschedulable: string | null;
  readonly deleting: boolean;
  /** When the grace period of its deletion ends; null while nobody has deleted it. */
  readonly goneBy: string | null;
  /** Who has to let go of it before it can be gone. */
  readonly finalizers: readonly string[];
  /** Annotation kubernetes.io/config.mirror: a static pod, which the API cannot evict. */
  readonly mirror: boolean;
  /** Kind and name of the controlling owner; null for a bare pod. */
  readonly owner: { readonly kind: string; readonly name: string } | null;
  readonly usesEmptyDir: boolean;
  /** Has a PersistentVolumeClaim, of its own or an ephemeral one. */
  readonly usesClaim: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly images: readonly string[];
  readonly terminationGraceSeconds: number;
  /** Annotation kubectl.kubernetes.io/restartedAt, which a rollout leaves on the pods that it makes. */
  readonly restartedAt: string | null;
  /** Where kubeadm lets the API server of this static pod listen: address:port; null for any other pod. */
  readonly apiServerAddress: string | null;
  readonly placement: PodPlacement;
}

export interface PodQuery {
  readonly node?: string;
  readonly namespace?: string;
  readonly labels?: string;
  readonly phase?: PodFact['phase'];
}

/** A warning about a pod. The API server keeps it for an hour, and may lose one. */
export interface PodEvent {
  readonly reason: string;
  readonly message: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** UTC; null when it does not say. */
  readonly lastSeen: string | null;
}

/** A budget with the pods that it is for. */
export interface Budget extends BudgetFact {
  /** null selects nothing. */
  readonly selector: LabelSelector | null;
}

/** The workload behind a pod, as far as it says whether a new pod can be there before the old one goes. */
export interface PodOwner extends WorkloadRef {
  readonly replicas: number;
  readonly paused: boolean;
  /** How a rollout goes, percentages resolved; null when old pods go before new ones come. */
  readonly rolling: { readonly surge: number; readonly unavailable: number } | null;
  /** Of the pod template: when it was last told to restart. */
  readonly restartedAt: string | null;
}

/** The pods of one node, kept up to date by a watch. */
export interface PodWatch {
  /** As they are now: as the watch has told them while it lasts, else listed, which begins a new watch. */
  pods(): Promise<readonly PodFact[]>;
  /** Resolves when the watch has told of a change since the last `pods()`; never rejects. */
  changed(): Promise<void>;
  close(): void;
}

/** What the API server said to an eviction. `blocked` and `busy` are worth another try, `impossible` is not (two budgets on one pod). */
export type EvictionResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'blocked';
      /** Name of the budget; null when the answer does not say it. */
      readonly budget: string | null;
      readonly message: string;
      /** 0: the server gave no advice. */
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'busy'; readonly message: string; readonly retryAfterMs: number }
  | { readonly kind: 'impossible'; readonly message: string };

/** Time in UTC (ISO 8601) by the uid of a pod. */
export type HeldSince = Readonly<Record<string, string>>;

export interface Permission {
  readonly verb: string;
  readonly group: string;
  /** With subresource, for example pods/eviction. */
  readonly resource: string;
  /** Empty for cluster-wide. */
  readonly namespace: string;
  /** The one object that it is for; absent for all of them. */
  readonly name?: string;
}

export interface WorkloadRef {
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly namespace: string;
  readonly name: string;
}

export interface QuiescedWorkload extends WorkloadRef {
  /** Replicas that the workload had before Nightlift scaled it to zero. */
  readonly replicasBefore: number;
}

/** A Lease of our namespace. */
export interface LeaseFact {
  /** Empty when nobody holds it. */
  readonly holder: string;
  readonly durationSeconds: number;
  /** When it was taken, in milliseconds since the epoch; every holder has a higher one than the holder before. 0 when it does not say. */
  readonly generation: number;
  /** Changes with every write. */
  readonly version: string;
}

/** The annotation of a DaemonSet in which kured keeps its lock. */
export interface LockPlace {
  readonly namespace: string;
  readonly daemonSet: string;
  readonly annotation: string;
}

export interface RebootLockFact {
  /** As it is written; undefined while nobody holds it. */
  readonly text: string | undefined;
  /** How many nodes kured restarts at a time, by its flag or environment; 1 when it does not say. */
  readonly concurrency: number;
  /** Of the DaemonSet; changes with every write. */
  readonly version: string;
}

export interface CronJobFact {
  readonly uid: string;
  readonly suspended: boolean;
  /** Of its first container. */
  readonly image: string;
  /** What its pods run: images, commands and arguments, as one text. */
  readonly program: string;
}

/** Who made a Job, and what its pod can have written where. Its name says nothing of that. */
export interface JobOrigin {
  readonly createdAt: string;
  /** uid of the CronJob that controls it; null for any other Job. */
  readonly cronJob: string | null;
  /** The run that made it; null for any other Job. */
  readonly run: string | null;
  /** As in CronJobFact. */
  readonly program: string;
  /** Where its newest pod runs or ran; null without one. */
  readonly node: string | null;
  /** Directories of the pod that are directories of that node. */
  readonly hostPaths: readonly { readonly inPod: string; readonly onNode: string }[];
}

export interface Health {
  readonly ok: boolean;
  readonly detail: string;
}

/** A Job manifest as rendered from templates/job.yaml. */
export interface JobManifest {
  readonly apiVersion: 'batch/v1';
  readonly kind: 'Job';
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface ClaimManifest {
  readonly apiVersion: 'v1';
  readonly kind: 'PersistentVolumeClaim';
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * The cluster in the words of an upgrade. Reads are paged and parsed at the edge. Every method may throw a
 * NightliftError of kind `cluster`; `isUnavailable(error)` (kube-error.ts) tells an API server that is away from one that said no.
 */
export interface Cluster {
  /** X.Y.Z that the endpoint's /version answers. */
  serverVersion(signal: AbortSignal): Promise<string>;
  /** What the clock of the API server shows; undefined when it does not say. Whole seconds. */
  serverTime(signal: AbortSignal): Promise<Date | undefined>;
  /** How long this program has found the API server away so far; milliseconds. */
  awayMs(): number;
  /** Reads this Lease, for which the API server needs etcd, once and within three seconds: for `awayMs` alone. */
  lookForAway(lease: string, signal: AbortSignal): Promise<void>;
  health(path: '/readyz' | '/livez', signal: AbortSignal): Promise<Health>;
  /** One of those; undefined when it is gone, or not ours. */
  node(name: string, signal: AbortSignal): Promise<NodeFact | undefined>;
  /** Those of ours that are control planes, in no order. */
  controlPlanes(signal: AbortSignal): Promise<readonly NodeFact[]>;
  /**
   * All nodes as far as a line says it, for a fiftieth of what `nodes` reads. Why a node is not Ready is not among it
   * (`unknown`), and of what is not ours only what its taints alone tell is: `node` knows before anything is done about one.
   */
  outlines(signal: AbortSignal): Promise<readonly NodeOutline[]>;
  /** Those that are ours to upgrade. */
  nodes(signal: AbortSignal): Promise<readonly NodeFact[]>;
  /** Those that are left out by rule, with the reason. */
  otherNodes(signal: AbortSignal): Promise<readonly OtherNodeFact[]>;
  /** kubernetesVersion of ConfigMap kube-system/kubeadm-config, X.Y.Z. */
  kubeadmConfigVersion(signal: AbortSignal): Promise<string>;
  /** apiVersion of the ClusterConfiguration in it, kubeadm.k8s.io/v1beta4. */
  kubeadmApi(signal: AbortSignal): Promise<string>;
  /** clusterName in it; null when it has none. */
  clusterName(signal: AbortSignal): Promise<string | null>;
  /** Of the same ConfigMap: where kubeadm takes the images of this cluster from. */
  imageSources(signal: AbortSignal): Promise<ImageSources>;
  /** Of the same: what the kubeadm of `target` would write the manifest of etcd from, as JSON; empty where etcd is external. */
  etcdConfiguration(target: string, signal: AbortSignal): Promise<string>;
  workloads(signal: AbortSignal): Promise<readonly WorkloadFact[]>;
  pods(where: PodQuery, signal: AbortSignal): Promise<readonly PodFact[]>;
  /** As `pods`, for lists that nobody should hold: each goes into what `start` has made, anew when the list is begun anew. */
  foldPods<T>(where: PodQuery, start: () => T, see: (state: T, pod: PodFact) => void, signal: AbortSignal): Promise<T>;
  /** How many pods there are, without reading them; undefined when the API server does not say. */
  podCount(signal: AbortSignal): Promise<number | undefined>;
  /** Warnings about pods: those of one reason, or those about one pod. */
  podWarnings(
    about: { readonly reason: string } | Pick<PodFact, 'namespace' | 'uid'>,
    signal: AbortSignal,
  ): Promise<readonly PodEvent[]>;
  /**
   * For a fiftieth of what all pods are: how many are Ready, by a line of each; all others that have not ended, and those of
   * Jobs, go into what `start` has made. Where many are not Ready, and from a server that knows no tables, all do.
   */
  readiness<T>(
    where: Pick<PodQuery, 'namespace'>,
    start: () => T,
    see: (state: T, pod: PodFact) => void,
    signal: AbortSignal,
  ): Promise<{ readonly ready: number; readonly state: T }>;
  /** Pods of any node that were told to go and are still there. */
  leavingPods(signal: AbortSignal): Promise<readonly PodFact[]>;
  watchPods(node: string, signal: AbortSignal): PodWatch;
  /** All budgets, not only the blocking ones. */
  budgets(signal: AbortSignal): Promise<readonly Budget[]>;
  /** Address and port of the cluster DNS Service kube-system/kube-dns; undefined when there is none. */
  dnsService(signal: AbortSignal): Promise<{ readonly address: string; readonly port: number } | undefined>;
  /** Address and port of Service default/kubernetes, by which pods reach the API servers; undefined when there is none. */
  apiService(signal: AbortSignal): Promise<{ readonly address: string; readonly port: number } | undefined>;

  /** Sets spec.unschedulable and who did it in one patch. The node keeps the annotation of whoever cordoned it first. */
  cordon(node: string, by: string, signal: AbortSignal): Promise<void>;
  /**
   * Marks a node that still has to go, with the record of it, in one patch: `pending` is our taint PreferNoSchedule, `excluded` the
   * label that takes it out of external load balancers. What is there already stays as it is, and so does a node that is gone.
   */
  mark(node: string, as: 'pending' | 'excluded', at: string, signal: AbortSignal): Promise<void>;
  /** Clears spec.unschedulable when the cordon is ours, so with the marks, and what was written about the drain in any case, in one patch. */
  uncordon(node: string, signal: AbortSignal): Promise<void>;
  /**
   * Writes that a step for this target was begun on the node; null takes the mark away, and writes `finished` where it is given.
   * Either forgets what an earlier drain has written, and an earlier failure.
   */
  markUnfinished(node: string, target: string | null, signal: AbortSignal, finished?: string): Promise<void>;
  /** Writes that the step of the node has failed for good, and why. */
  markFailed(node: string, failure: string, signal: AbortSignal): Promise<void>;
  /** Since when budgets have held pods of a node back in the step that is begun on it. */
  heldSince(node: string, signal: AbortSignal): Promise<HeldSince>;
  /** Written beside the mark of the step; a new mark, its end, a cordon of ours and an uncordon take it away. */
  writeHeldSince(node: string, held: HeldSince, signal: AbortSignal): Promise<void>;
  evict(pod: PodFact, signal: AbortSignal): Promise<EvictionResult>;
  /** What the API server would say to an eviction now (`dryRun`): budgets and admission are asked, and nothing changes. */
  tryEviction(pod: PodFact, signal: AbortSignal): Promise<EvictionResult>;
  /** Around every budget, with the pod's own grace period. Another pod of that name is left alone. */
  deletePod(pod: PodFact, signal: AbortSignal): Promise<void>;
  /** The Deployment or StatefulSet behind a pod; undefined for any other owner. */
  ownerOf(pod: PodFact, signal: AbortSignal): Promise<PodOwner | undefined>;
  /** As `kubectl rollout restart`. */
  restart(workload: WorkloadRef, at: string, signal: AbortSignal): Promise<void>;

  /** Scales to zero and writes the former replica count on the object, in one patch. Absent workload → undefined. Already quiesced → as it is. */
  quiesce(workload: WorkloadRef, signal: AbortSignal): Promise<QuiescedWorkload | undefined>;
  /** Every workload that carries the record of a quiesce, whoever wrote it. */
  quiescedWorkloads(signal: AbortSignal): Promise<readonly QuiescedWorkload[]>;
  /** Scales back and removes the record, in one patch. */
  restore(workload: QuiescedWorkload, signal: AbortSignal): Promise<void>;

  /** data of a ConfigMap; undefined when it does not exist. */
  configMap(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined>;
  /** Creates it or merges into its data. */
  writeConfigMap(
    namespace: string,
    name: string,
    data: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Changes the record of a run, a ConfigMap of our namespace, under the version that was read, or creates it. `change` is asked anew when
   * somebody else wrote in between; undefined leaves it as it is.
   */
  changeRecord(
    name: string,
    change: (text: string | undefined) => string | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  /** All of them, as they are written. */
  records(signal: AbortSignal): Promise<readonly string[]>;
  deleteConfigMap(namespace: string, name: string, signal: AbortSignal): Promise<void>;
  namespaceAnnotations(namespace: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** null removes an annotation. */
  annotateNamespace(
    namespace: string,
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<void>;

  /** PersistentVolumeClaims of our namespace, with their phase: Pending, Bound, Lost. */
  claims(selector: string, signal: AbortSignal): Promise<readonly { readonly name: string; readonly phase: string }[]>;
  createClaim(manifest: ClaimManifest, signal: AbortSignal): Promise<'created' | 'exists'>;
  /** Absent is fine. It goes when no pod uses it any more. */
  deleteClaim(name: string, signal: AbortSignal): Promise<void>;
  /** Jobs of the namespace by label selector. `open` leaves out those that are complete, which are kept for days. */
  jobs(selector: string, signal: AbortSignal, which?: 'all' | 'open'): Promise<readonly JobFact[]>;
  job(name: string, signal: AbortSignal, namespace?: string): Promise<JobFact | undefined>;
  /** 'exists' when there is one of that name already (409). */
  createJob(manifest: JobManifest, signal: AbortSignal): Promise<'created' | 'exists'>;
  /** With its pods (Foreground), and waits until it is gone. Absent is fine, and so is one that was not created at `createdAt`. */
  deleteJob(name: string, signal: AbortSignal, namespace?: string, createdAt?: string): Promise<void>;
  cronJob(namespace: string, name: string, signal: AbortSignal): Promise<CronJobFact | undefined>;
  /** As `kubectl create job --from=cronjob/…`, with the run that makes it written on it. 'exists' when that Job is there already. */
  createJobFromCronJob(
    namespace: string,
    cronJob: string,
    jobName: string,
    run: string,
    signal: AbortSignal,
  ): Promise<'created' | 'exists'>;
  /** undefined: there is no such Job. */
  jobOrigin(namespace: string, name: string, signal: AbortSignal): Promise<JobOrigin | undefined>;
  /** Log of the newest pod that the Job itself has made, at most the last `tailLines` lines. */
  jobLog(namespace: string, jobName: string, tailLines: number, signal: AbortSignal): Promise<string>;
  lease(name: string, signal: AbortSignal): Promise<LeaseFact | undefined>;
  /** All Leases of our namespace, by name. */
  leases(signal: AbortSignal): Promise<ReadonlyMap<string, LeaseFact>>;
  /** Writes it when it is still at `version` (undefined: when there is none yet). false: somebody else was first. */
  writeLease(
    name: string,
    lease: Omit<LeaseFact, 'version'>,
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean>;
  /** kured's lock as it stands on its DaemonSet; undefined without that DaemonSet. */
  rebootLock(place: LockPlace, signal: AbortSignal): Promise<RebootLockFact | undefined>;
  /** Writes it when the DaemonSet is still at `version`; null removes it. false: somebody else was first. */
  writeRebootLock(place: LockPlace, text: string | null, version: string, signal: AbortSignal): Promise<boolean>;
  allowed(permission: Permission, signal: AbortSignal): Promise<boolean>;
}
