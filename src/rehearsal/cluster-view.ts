import { byName } from '../facts/nodes.ts';
import type { Job, Node, Pod } from './api/kinds.ts';
import { jobs, nodes, pods } from './api/resources.ts';
import { isTrue } from './controllers/conditions.ts';
import { controlledPods } from './controllers/ownership.ts';
import { NAMESPACE } from './deployment-objects.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';
import type { JobRecord } from './job-records.ts';
import { apiServerVersions } from './node-objects.ts';

export interface NodeView {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  /** X.Y.Z of the kubelet. */
  readonly version: string;
  readonly apiServer: string | null;
  readonly ready: boolean;
  readonly schedulable: boolean;
}

export interface JobView {
  readonly name: string;
  /** check, report, preflight, master, worker, postflight, snapshot. */
  readonly phase: string;
  /** The node that it upgrades; null for one that changes none. */
  readonly node: string | null;
  /** Where its pod runs or ran. */
  readonly runner: string | null;
  readonly status: 'waiting' | 'running' | 'complete' | 'failed';
  readonly seconds: number;
  readonly startedAt: number;
}

const CHAIN = 'k8s-upgrade-chain';

export function nodeViews({ server: { store } }: Pick<EmbeddedCluster, 'server'>): readonly NodeView[] {
  const apiServers = apiServerVersions(store);
  const views = store.list(nodes).map((node): NodeView => {
    const { name } = node.metadata;
    return {
      name,
      role: isControlPlane(node) ? 'control-plane' : 'worker',
      version: (node.status.nodeInfo?.['kubeletVersion'] ?? '').replace(/^v/, ''),
      apiServer: apiServers.get(name) ?? null,
      ready: isTrue(node.status.conditions, 'Ready'),
      schedulable: node.spec.unschedulable !== true,
    };
  });
  return views.toSorted((a, b) => a.role.localeCompare(b.role, 'en') || byName(a, b));
}

function isControlPlane({ metadata }: Node): boolean {
  return metadata.labels?.['node-role.kubernetes.io/control-plane'] !== undefined;
}

/** The night's Jobs in the order of their start, backup included. */
export function jobViews({
  server: { store },
  jobRecords,
}: Pick<EmbeddedCluster, 'server' | 'jobRecords'>): readonly JobView[] {
  return store
    .list(jobs)
    .map((job) => jobView(job, controlledPods(store, job), jobRecords.of(job.metadata.uid)))
    .toSorted((a, b) => a.startedAt - b.startedAt);
}

function jobView(job: Job, owned: readonly Pod[], record: JobRecord | undefined): JobView {
  const { conditions } = job.status;
  const newest = owned
    .toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp))
    .at(-1);
  const startedAt = record?.startedAt ?? Date.parse(job.metadata.creationTimestamp);
  const node = job.metadata.annotations?.['nightlift/node'] ?? '';
  return {
    name: job.metadata.name,
    phase: phaseOf(job),
    node: node === '' ? null : node,
    runner: record?.runner ?? null,
    status: isTrue(conditions, 'Complete')
      ? 'complete'
      : isTrue(conditions, 'Failed')
        ? 'failed'
        : newest?.status.phase === 'Running'
          ? 'running'
          : 'waiting',
    seconds: Math.round(((record?.endedAt ?? Date.now()) - startedAt) / 100) / 10,
    startedAt,
  };
}

function phaseOf({ metadata }: Job): string {
  if (metadata.namespace !== NAMESPACE) return 'snapshot';
  if (metadata.labels?.['app'] === CHAIN) return metadata.labels['phase'] ?? '';
  return metadata.name.startsWith('k8s-upgrade-nightly-report') ? 'report' : 'check';
}

/** Jobs of ours that are not over, those that are being deleted included: the chain, and the detection that goes on with another hop. */
export function openJobs({ server: { store } }: Pick<EmbeddedCluster, 'server'>): readonly Job[] {
  return store
    .list(jobs, { namespace: NAMESPACE })
    .filter(({ status, metadata }) => metadata.deletionTimestamp !== undefined || !isOver(status.conditions));
}

export function isOver(conditions: Job['status']['conditions']): boolean {
  return isTrue(conditions, 'Complete') || isTrue(conditions, 'Failed');
}

/** The pod of a Job that runs now. */
export function runningPod(
  { server: { store } }: Pick<EmbeddedCluster, 'server'>,
  jobName: string,
  namespace = NAMESPACE,
): Pod | undefined {
  return store
    .list(pods, { namespace, labels: `batch.kubernetes.io/job-name=${jobName}` })
    .find(({ status, metadata }) => status.phase === 'Running' && metadata.deletionTimestamp === undefined);
}
