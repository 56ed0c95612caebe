import { MIRROR_ANNOTATION } from '../api/deletion.ts';
import type { Node, Taint } from '../api/kinds.ts';
import { timestamp } from '../api/object-changes.ts';
import { leases, nodes, pods } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import { conditionOf, isTrue, notBefore, withCondition } from './conditions.ts';
import type { ControllerContext } from './controller-context.ts';
import { toleratesTaint, untolerated } from './node-fit.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

export const NODE_LEASE_NAMESPACE = 'kube-node-lease';
/** `--node-monitor-grace-period` of 1.32 and later. */
const GRACE_SECONDS = 50;
const KUBELET_CONDITIONS = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'];
const OWN_KEYS = ['unschedulable', 'not-ready', 'unreachable'].map((name) => `node.kubernetes.io/${name}`);

/** Node lifecycle: taints that follow cordon and readiness, Unknown when the Lease is not renewed, eviction by NoExecute. */
export function startNodeController(context: ControllerContext, isStopped: (nodeName: string) => boolean): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: ({ resource, object }) => {
      if (resource === nodes) return [object.metadata.name];
      return resource === leases && object.metadata.namespace === NODE_LEASE_NAMESPACE ? [object.metadata.name] : [];
    },
    initialKeys: () => store.list(nodes).map(({ metadata }) => metadata.name),
    reconcile: (name) => {
      if (store.get(nodes, name) === undefined) return undefined;
      // At a hundred times the speed a busy moment of this process is longer than the grace period of a Lease: a kubelet
      // that is not stopped never counts as lost.
      const leaseMs = isStopped(name) ? watchLease(context, name) : undefined;
      const node = syncTaints(store, name);
      const evictionMs = evictUntolerated(context, node);
      const waits = [leaseMs, evictionMs].filter((each) => each !== undefined);
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
  });
}

/** Milliseconds until the Lease has expired; undefined when there is none, as for nodes without a kubelet stand-in. */
function watchLease({ store, secondMs }: ControllerContext, name: string): number | undefined {
  const renewed = store.get(leases, name, NODE_LEASE_NAMESPACE)?.spec.renewTime;
  if (renewed === undefined) return undefined;
  const leftMs = Date.parse(renewed) + GRACE_SECONDS * secondMs - store.now().getTime();
  if (leftMs > 0) return leftMs;
  const unknown = { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
  store.modify(nodes, name, undefined, (draft) => {
    for (const type of KUBELET_CONDITIONS) {
      if (conditionOf(draft.status.conditions, type) === undefined && type !== 'Ready') continue;
      draft.status.conditions = withCondition(draft.status.conditions, { type, ...unknown }, store.now());
    }
  });
  return undefined;
}

function syncTaints(store: Store, name: string): Node {
  return store.modify(nodes, name, undefined, (draft) => {
    const others = (draft.spec.taints ?? []).filter(({ key }) => !OWN_KEYS.includes(key));
    const own = wantedTaints(draft).map((wanted) => {
      const known = draft.spec.taints?.find(({ key, effect }) => key === wanted.key && effect === wanted.effect);
      return known ?? { ...wanted, timeAdded: timestamp(store.now()) };
    });
    const taints = [...others, ...own];
    if (taints.length > 0) draft.spec.taints = taints;
    else delete draft.spec.taints;
  });
}

function wantedTaints({ spec, status }: Node): Taint[] {
  const wanted: Taint[] = [];
  if (spec.unschedulable === true) wanted.push({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' });
  if (isTrue(status.conditions, 'Ready')) return wanted;
  const isUnknown = conditionOf(status.conditions, 'Ready')?.status === 'Unknown';
  const key = `node.kubernetes.io/${isUnknown ? 'unreachable' : 'not-ready'}`;
  return [...wanted, { key, effect: 'NoSchedule' }, { key, effect: 'NoExecute' }];
}

/** Deletes pods that do not tolerate a NoExecute taint, or no longer; milliseconds until the next one is due. */
function evictUntolerated({ store, secondMs }: ControllerContext, node: Node): number | undefined {
  const taint = node.spec.taints?.find(({ effect }) => effect === 'NoExecute');
  if (taint === undefined) return undefined;
  let nextMs: number | undefined;
  for (const pod of store.list(pods, { fields: { 'spec.nodeName': node.metadata.name } })) {
    if (pod.metadata.deletionTimestamp !== undefined || pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
      continue;
    const { name, namespace } = pod.metadata;
    if (untolerated(pod, node, ['NoExecute']) !== undefined) {
      store.delete(pods, name, namespace);
      continue;
    }
    const seconds = pod.spec.tolerations?.find((each) => toleratesTaint(each, taint))?.tolerationSeconds;
    if (seconds === undefined) continue;
    const leftMs = notBefore(taint.timeAdded) + seconds * secondMs - store.now().getTime();
    if (leftMs <= 0) store.delete(pods, name, namespace);
    else nextMs = Math.min(nextMs ?? leftMs, leftMs);
  }
  return nextMs;
}
