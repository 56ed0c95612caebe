import { isReady } from '../api/eviction.ts';
import type { Workload } from '../api/kinds.ts';
import { pods, statefulSets } from '../api/resources.ts';
import type { ControllerContext } from './controller-context.ts';
import { keyOf, ownerKeys, splitKey } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';
import { createWorkloadPod, livePods, readyCount } from './workload-pods.ts';

/** Pods with fixed names, one after the other: the next one comes when the last is ready, and a name again when it has really gone. */
export function startStatefulSetController(context: ControllerContext): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: (event) => ownerKeys(statefulSets, event),
    initialKeys: () => store.list(statefulSets).map(keyOf),
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const statefulSet = store.get(statefulSets, name, namespace);
      if (statefulSet !== undefined && statefulSet.metadata.deletionTimestamp === undefined)
        reconcile(context, statefulSet);
      return undefined;
    },
  });
}

function reconcile({ store }: ControllerContext, statefulSet: Workload): void {
  const { name, namespace } = statefulSet.metadata;
  const wanted = statefulSet.spec.replicas ?? 1;
  const live = livePods(store, statefulSet);
  for (let ordinal = 0; ordinal < wanted; ordinal += 1) {
    const podName = `${name}-${ordinal}`;
    const existing = store.get(pods, podName, namespace);
    if (existing !== undefined) {
      if (isReady(existing) || statefulSet.spec['podManagementPolicy'] === 'Parallel') continue;
      break;
    }
    const labels = { 'statefulset.kubernetes.io/pod-name': podName, 'apps.kubernetes.io/pod-index': String(ordinal) };
    createWorkloadPod(store, statefulSets, statefulSet, { name: podName, labels });
    if (statefulSet.spec['podManagementPolicy'] !== 'Parallel') break;
  }
  for (const { metadata } of live) {
    const ordinal = Number(metadata.name.slice(name.length + 1));
    if (ordinal >= wanted) store.delete(pods, metadata.name, namespace);
  }
  const ready = readyCount(live);
  store.modify(statefulSets, name, namespace, (draft) => {
    draft.status = {
      ...draft.status,
      observedGeneration: draft.metadata.generation ?? 1,
      replicas: live.length,
      readyReplicas: ready,
      availableReplicas: ready,
      currentReplicas: live.length,
      updatedReplicas: live.length,
    };
  });
}
