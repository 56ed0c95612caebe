import { z } from 'zod';
import type { ClusterApi } from './cluster-api.ts';

const Condition = z.object({ type: z.string(), status: z.string() });
const Metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  annotations: z.record(z.string(), z.string()).default({}),
  labels: z.record(z.string(), z.string()).default({}),
});
const Node = z.object({
  metadata: Metadata,
  spec: z.object({ unschedulable: z.boolean().default(false) }),
  status: z.object({
    conditions: z.array(Condition),
    nodeInfo: z.object({ kubeletVersion: z.string(), containerRuntimeVersion: z.string() }),
  }),
});
const Container = z.object({ image: z.string() });
const Job = z.object({
  metadata: Metadata.extend({ creationTimestamp: z.iso.datetime() }),
  spec: z.object({ template: z.object({ spec: z.object({ containers: z.array(Container) }) }) }),
  status: z.object({ conditions: z.array(Condition).default([]), failed: z.number().default(0) }),
});
const Pod = z.object({
  metadata: Metadata.extend({ creationTimestamp: z.iso.datetime(), deletionTimestamp: z.string().optional() }),
  spec: z.object({ nodeName: z.string().default(''), containers: z.array(Container) }),
  status: z.object({ phase: z.string(), conditions: z.array(Condition).default([]) }),
});
const Workload = z.object({
  metadata: Metadata,
  spec: z.object({ replicas: z.number().optional() }),
  status: z.object({
    availableReplicas: z.number().default(0),
    numberAvailable: z.number().optional(),
    desiredNumberScheduled: z.number().optional(),
  }),
});
const Named = z.object({ metadata: Metadata, data: z.record(z.string(), z.string()).default({}) });

const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });
const batch = '/apis/batch/v1/namespaces/k8s-upgrade/jobs';

export async function readNodes(api: ClusterApi) {
  return listOf(Node).parse(await api.get('/api/v1/nodes')).items;
}

/** Of the product's namespace: the chain's, the detector's and the report's. */
export async function readJobs(api: ClusterApi) {
  const { items } = listOf(Job).parse(await api.get(batch));
  return items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    image: spec.template.spec.containers[0]?.image ?? '',
    chain: metadata.labels['app'] === 'k8s-upgrade-chain',
    createdAt: Date.parse(metadata.creationTimestamp),
    failedPods: status.failed,
    status: stateOf(status.conditions),
  }));
}

function stateOf(conditions: readonly z.infer<typeof Condition>[]): 'active' | 'complete' | 'failed' {
  const has = (type: string) => conditions.some((one) => one.type === type && one.status === 'True');
  return has('Complete') ? 'complete' : has('Failed') ? 'failed' : 'active';
}

export async function readPods(api: ClusterApi, namespace: string) {
  return listOf(Pod).parse(await api.get(`/api/v1/namespaces/${namespace}/pods`)).items;
}

export async function readWorkloads(api: ClusterApi) {
  const all = [];
  for (const kind of ['deployments', 'daemonsets', 'statefulsets']) {
    for (const { metadata, spec, status } of listOf(Workload).parse(await api.get(`/apis/apps/v1/${kind}`)).items) {
      all.push({
        name: `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
        wanted: status.desiredNumberScheduled ?? spec.replicas ?? 1,
        available: status.numberAvailable ?? status.availableReplicas,
      });
    }
  }
  return all;
}

export async function readNamed(api: ClusterApi, path: string) {
  return Named.parse(await api.get(path));
}
