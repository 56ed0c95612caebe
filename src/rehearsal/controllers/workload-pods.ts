import { isReady } from '../api/eviction.ts';
import type { Pod, Workload } from '../api/kinds.ts';
import { randomSuffix } from '../api/object-changes.ts';
import type { Resource } from '../api/resource.ts';
import { pods } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import { controlledPods, isActive, ownerReference } from './ownership.ts';

const GENERATED_BASE_MAX = 58;

/** A pod of a workload's template; without a name of its own it gets a generated one. */
export function createWorkloadPod(
  store: Store,
  resource: Resource,
  owner: Workload,
  more: { readonly name?: string; readonly labels?: Record<string, string>; readonly spec?: Partial<Pod['spec']> } = {},
): void {
  const { template } = owner.spec;
  const base = `${owner.metadata.name}-`.slice(0, GENERATED_BASE_MAX);
  const { namespace } = owner.metadata;
  store.create(pods, {
    metadata: {
      ...(more.name === undefined ? { name: `${base}${randomSuffix()}`, generateName: base } : { name: more.name }),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, ...more.labels },
      ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ownerReferences: [ownerReference(resource, owner)],
    },
    spec: { ...template.spec, ...more.spec },
  });
}

/** The workload's pods that still count, after its finished ones were removed. */
export function livePods(store: Store, owner: Workload): Pod[] {
  const owned = controlledPods(store, owner);
  for (const { metadata, status } of owned) {
    const finished = status.phase === 'Succeeded' || status.phase === 'Failed';
    if (finished && metadata.deletionTimestamp === undefined) store.delete(pods, metadata.name, metadata.namespace);
  }
  return owned.filter(isActive);
}

export function readyCount(all: readonly Pod[]): number {
  return all.filter(isReady).length;
}

/** Whoever is not ready goes first, then the youngest. */
export function victims(all: readonly Pod[], count: number): Pod[] {
  const order = [...all].sort((left, right) => {
    if (isReady(left) !== isReady(right)) return isReady(left) ? 1 : -1;
    return right.metadata.creationTimestamp.localeCompare(left.metadata.creationTimestamp);
  });
  return order.slice(0, count);
}
