import type { KubeObject, Pod } from '../api/kinds.ts';
import { pods } from '../api/resources.ts';
import type { ControllerContext } from './controller-context.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

/** The default of kube-controller-manager's --terminated-pod-gc-threshold. */
const MOST_ENDED = 12_500;

/** Beyond so many ended pods the oldest ones are deleted, as `pkg/controller/podgc` does. */
export function startPodCollector(context: ControllerContext, mostEnded = MOST_ENDED): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: ({ resource, object }) => (resource === pods && hasEnded(object) ? ['ended'] : []),
    initialKeys: () => ['ended'],
    reconcile: () => {
      const ended = store.list(pods).filter(hasEnded);
      const excess = ended
        .toSorted((one, other) => age(one) - age(other))
        .slice(0, Math.max(0, ended.length - mostEnded));
      for (const { metadata } of excess)
        store.delete(pods, metadata.name, metadata.namespace, { gracePeriodSeconds: 0 });
      return undefined;
    },
  });
}

function hasEnded(object: KubeObject): boolean {
  const { metadata, status } = object as Pod;
  return metadata.deletionTimestamp === undefined && (status.phase === 'Succeeded' || status.phase === 'Failed');
}

/** Creation times have seconds only; versions are in the order of what was last written. */
function age({ metadata }: Pod): number {
  return Number(metadata.resourceVersion ?? 0);
}
