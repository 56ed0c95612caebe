import type { Workload } from '../api/kinds.ts';
import { pods, replicaSets } from '../api/resources.ts';
import type { ControllerContext } from './controller-context.ts';
import { keyOf, ownerKeys, splitKey } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';
import { createWorkloadPod, livePods, readyCount, victims } from './workload-pods.ts';

/** Keeps the wanted number of pods: those that are being deleted do not count, so an evicted one is replaced at once. */
export function startReplicaSetController(context: ControllerContext): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: (event) => ownerKeys(replicaSets, event),
    initialKeys: () => store.list(replicaSets).map(keyOf),
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const replicaSet = store.get(replicaSets, name, namespace);
      if (replicaSet !== undefined && replicaSet.metadata.deletionTimestamp === undefined)
        reconcile(context, replicaSet);
      return undefined;
    },
  });
}

function reconcile({ store }: ControllerContext, replicaSet: Workload): void {
  const live = livePods(store, replicaSet);
  const wanted = replicaSet.spec.replicas ?? 1;
  for (let count = live.length; count < wanted; count += 1) createWorkloadPod(store, replicaSets, replicaSet);
  for (const { metadata } of victims(live, live.length - wanted)) {
    if (live.length > wanted) store.delete(pods, metadata.name, metadata.namespace);
  }
  const ready = readyCount(live);
  store.modify(replicaSets, replicaSet.metadata.name, replicaSet.metadata.namespace, (draft) => {
    draft.status = {
      ...draft.status,
      replicas: live.length,
      fullyLabeledReplicas: live.length,
      readyReplicas: ready,
      availableReplicas: ready,
      observedGeneration: draft.metadata.generation ?? 1,
    };
  });
}
