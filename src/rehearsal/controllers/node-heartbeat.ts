import type { Node } from '../api/kinds.ts';
import { microTimestamp } from '../api/object-changes.ts';
import { leases, nodes } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import { conditionOf, withCondition } from './conditions.ts';
import type { ControllerContext } from './controller-context.ts';
import { NODE_LEASE_NAMESPACE } from './node-controller.ts';

export interface NodeHeartbeats {
  isStopped(nodeName: string): boolean;
  /** The kubelet no longer renews its Lease and no longer reports. */
  stop(nodeName: string): void;
  /** The kubelet is back and says that its node is Ready. */
  start(nodeName: string): void;
  close(): void;
}

const RENEW_SECONDS = 10;
const LEASE_SECONDS = 40;
/** However fast the rehearsal's clock: with many nodes nothing else would be done. */
const SHORTEST_RENEW_MS = 1_000;
const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

/** Leases and Ready conditions of all nodes, as long as their kubelets run. */
export function startNodeHeartbeats({ store, availability, secondMs }: ControllerContext): NodeHeartbeats {
  const stopped = new Set<string>();
  const beat = (): void => {
    if (!availability.isUp) return;
    for (const node of store.list(nodes)) if (!stopped.has(node.metadata.name)) renew(store, node);
  };
  const greet = (node: Node): void => {
    if (stopped.has(node.metadata.name)) return;
    if (conditionOf(node.status.conditions, 'Ready') === undefined) reportReady(store, node.metadata.name);
    renew(store, node);
  };
  for (const node of store.list(nodes)) greet(node);
  const unsubscribe = store.subscribe(({ type, resource, object }) => {
    // Events carry the objects of their resource.
    if (resource === nodes && type === 'ADDED') greet(object as Node);
  });
  const unsubscribeUp = availability.subscribe((up) => {
    if (up) beat();
  });
  const timer = setInterval(beat, Math.max(RENEW_SECONDS * secondMs, SHORTEST_RENEW_MS));
  return {
    isStopped: (nodeName) => stopped.has(nodeName),
    stop: (nodeName) => {
      stopped.add(nodeName);
    },
    start: (nodeName) => {
      stopped.delete(nodeName);
      const node = store.get(nodes, nodeName);
      if (node === undefined) return;
      reportReady(store, nodeName);
      renew(store, node);
    },
    close: () => {
      clearInterval(timer);
      unsubscribe();
      unsubscribeUp();
    },
  };
}

function reportReady(store: Store, nodeName: string): void {
  store.modify(nodes, nodeName, undefined, (draft) => {
    for (const [type, status, reason, message] of CONDITIONS) {
      draft.status.conditions = withCondition(draft.status.conditions, { type, status, reason, message }, store.now());
    }
  });
}

function renew(store: Store, { metadata, kind, apiVersion }: Node): void {
  const renewTime = microTimestamp(store.now());
  if (store.get(leases, metadata.name, NODE_LEASE_NAMESPACE) !== undefined) {
    store.modify(leases, metadata.name, NODE_LEASE_NAMESPACE, (draft) => {
      draft.spec.renewTime = renewTime;
    });
    return;
  }
  store.create(leases, {
    metadata: {
      name: metadata.name,
      namespace: NODE_LEASE_NAMESPACE,
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }],
    },
    spec: { holderIdentity: metadata.name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
  });
}
