import type { Node, Pod, Workload } from '../api/kinds.ts';
import { daemonSets, nodes, pods } from '../api/resources.ts';
import type { ControllerContext } from './controller-context.ts';
import { fitsSelectors, untolerated } from './node-fit.ts';
import { keyOf, ownerKeys, splitKey } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';
import { createWorkloadPod, livePods, readyCount } from './workload-pods.ts';

/** Taints that every DaemonSet pod tolerates (`pkg/controller/daemon/util`). */
const TOLERATED: readonly (readonly [string, string])[] = [
  ['not-ready', 'NoExecute'],
  ['unreachable', 'NoExecute'],
  ['disk-pressure', 'NoSchedule'],
  ['memory-pressure', 'NoSchedule'],
  ['pid-pressure', 'NoSchedule'],
  ['unschedulable', 'NoSchedule'],
];

export function startDaemonSetController(context: ControllerContext): Reconciler {
  const { store } = context;
  const all = (): string[] => store.list(daemonSets).map(keyOf);
  return startReconciler(context, {
    keysOf: (event) => (event.resource === nodes ? all() : ownerKeys(daemonSets, event)),
    initialKeys: all,
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const daemonSet = store.get(daemonSets, name, namespace);
      if (daemonSet !== undefined && daemonSet.metadata.deletionTimestamp === undefined) reconcile(context, daemonSet);
      return undefined;
    },
  });
}

function reconcile({ store }: ControllerContext, daemonSet: Workload): void {
  const live = livePods(store, daemonSet);
  const wanted = store.list(nodes).filter((node) => shouldRun(daemonSet, node));
  for (const node of wanted) {
    if (!live.some((pod) => targetOf(pod) === node.metadata.name)) place(store, daemonSet, node);
  }
  for (const pod of live) {
    if (wanted.some((node) => node.metadata.name === targetOf(pod))) continue;
    store.delete(pods, pod.metadata.name, pod.metadata.namespace);
  }
  const ready = readyCount(live);
  store.modify(daemonSets, daemonSet.metadata.name, daemonSet.metadata.namespace, (draft) => {
    draft.status = {
      ...draft.status,
      observedGeneration: draft.metadata.generation ?? 1,
      desiredNumberScheduled: wanted.length,
      currentNumberScheduled: live.length,
      updatedNumberScheduled: live.length,
      numberReady: ready,
      numberAvailable: ready,
      numberMisscheduled: 0,
    };
  });
}

/** A node's taints keep a DaemonSet away only when its template does not tolerate them. */
function shouldRun({ spec, metadata }: Workload, node: Node): boolean {
  const { template } = spec;
  // A pod as it would be, to ask the scheduler's own questions about.
  const pod = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata,
    spec: { ...template.spec, tolerations: tolerationsOf(template.spec) },
    status: {},
  };
  return fitsSelectors(pod, node) && untolerated(pod, node, ['NoSchedule', 'NoExecute']) === undefined;
}

function tolerationsOf({ tolerations = [], hostNetwork }: Pod['spec']): NonNullable<Pod['spec']['tolerations']> {
  const own = TOLERATED.map(([name, effect]) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect }));
  const network = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' };
  return [...tolerations, ...own, ...(hostNetwork === true ? [network] : [])];
}

function place(store: ControllerContext['store'], daemonSet: Workload, node: Node): void {
  const { spec } = daemonSet.spec.template;
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }];
  const required = { nodeSelectorTerms: [{ matchFields }] };
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
  createWorkloadPod(store, daemonSets, daemonSet, { spec: { affinity, tolerations: tolerationsOf(spec) } });
}

function targetOf({ spec }: Pod): string | undefined {
  const term = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0];
  return spec.nodeName ?? term?.matchFields?.[0]?.values?.[0];
}
