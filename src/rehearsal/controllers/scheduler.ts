import type { Node, Pod } from '../api/kinds.ts';
import { nodes, pods } from '../api/resources.ts';
import { withCondition } from './conditions.ts';
import type { ControllerContext } from './controller-context.ts';
import { misfit } from './node-fit.ts';
import { isActive, keyOf, splitKey } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

/** Binds pods to the node that fits and has the fewest; pods that fit nowhere say why and wait for a change. */
export function startScheduler(context: ControllerContext): Reconciler {
  const { store } = context;
  const waiting = (): string[] => store.list(pods).filter(needsNode).map(keyOf);
  return startReconciler(context, {
    keysOf: ({ type, resource, object }) => {
      if (resource === nodes) return waiting();
      if (resource !== pods || type === 'DELETED') return [];
      // Events carry the objects of their resource.
      return needsNode(object as Pod) ? [keyOf(object)] : [];
    },
    initialKeys: waiting,
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const pod = store.get(pods, name, namespace);
      if (pod !== undefined && needsNode(pod)) schedule(context, pod);
      return undefined;
    },
  });
}

function needsNode(pod: Pod): boolean {
  return (pod.spec.nodeName === undefined || pod.spec.nodeName === '') && isActive(pod);
}

function schedule({ store }: ControllerContext, pod: Pod): void {
  const candidates = store.list(nodes);
  const misfits = candidates.map((node) => misfit(pod, node));
  const fitting = candidates.filter((_, index) => misfits[index] === undefined);
  const chosen = leastLoaded(fitting, store.list(pods));
  store.modify(pods, pod.metadata.name, pod.metadata.namespace, (draft) => {
    if (chosen === undefined) {
      const message = explain(misfits);
      const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
      draft.status.conditions = withCondition(draft.status.conditions, condition, store.now());
      return;
    }
    draft.spec.nodeName = chosen.metadata.name;
    draft.status.conditions = withCondition(
      draft.status.conditions,
      { type: 'PodScheduled', status: 'True' },
      store.now(),
    );
  });
}

function leastLoaded(fitting: readonly Node[], all: readonly Pod[]): Node | undefined {
  const load = new Map<string, number>();
  for (const { spec } of all) load.set(spec.nodeName ?? '', (load.get(spec.nodeName ?? '') ?? 0) + 1);
  let chosen: Node | undefined;
  for (const node of fitting) {
    if (chosen === undefined || (load.get(node.metadata.name) ?? 0) < (load.get(chosen.metadata.name) ?? 0))
      chosen = node;
  }
  return chosen;
}

/** The FailedScheduling message (`pkg/scheduler/framework/types.go`, FitError). */
function explain(misfits: readonly (string | undefined)[]): string {
  const total = misfits.length;
  if (total === 0) return 'no nodes available to schedule pods';
  const counts = new Map<string, number>();
  for (const reason of misfits) if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  const preemption = `no new claims to deallocate, preemption: 0/${total} nodes are available: ${total} Preemption is not helpful for scheduling.`;
  return `0/${total} nodes are available: ${reasons.join(', ')}. ${preemption}`;
}
