import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from '../api/deletion.ts';
import type { KubeObject, OwnerReference } from '../api/kinds.ts';
import type { Resource } from '../api/resource.ts';
import { RESOURCES, resourceOf } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import type { ControllerContext } from './controller-context.ts';
import { JOB_TRACKING } from './job-controller.ts';
import { keyOf } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

interface Located {
  readonly resource: Resource;
  readonly object: KubeObject;
}

/** Deletes what its owners left behind, and carries out the `orphan` and `foregroundDeletion` finalizers. */
export function startGarbageCollector(context: ControllerContext): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: ({ type, resource, object }) => {
      const own = type === 'DELETED' ? [] : [keyFor(resource, object)];
      const ownersChanged = type === 'DELETED' || object.metadata.deletionTimestamp !== undefined;
      const dependents = ownersChanged
        ? dependentsOf(store, object).map((each) => keyFor(each.resource, each.object))
        : [];
      const owners =
        type === 'DELETED' ? ownersOf(store, object).map((each) => keyFor(each.resource, each.object)) : [];
      return [...own, ...dependents, ...owners];
    },
    initialKeys: () => RESOURCES.flatMap((resource) => store.list(resource).map((object) => keyFor(resource, object))),
    reconcile: (key) => {
      collect(store, key);
      return undefined;
    },
  });
}

function keyFor(resource: Resource, object: KubeObject): string {
  return `${resource.group}/${resource.plural} ${keyOf(object)}`;
}

function locate(store: Store, key: string): Located | undefined {
  const [id = '', path = ''] = key.split(' ');
  const resource = RESOURCES.find((each) => `${each.group}/${each.plural}` === id);
  if (resource === undefined) return undefined;
  const at = path.lastIndexOf('/');
  const object = resource.namespaced
    ? store.get(resource, path.slice(at + 1), path.slice(0, at))
    : store.get(resource, path);
  return object === undefined ? undefined : { resource, object };
}

function collect(store: Store, key: string): void {
  const found = locate(store, key);
  if (found === undefined) return;
  const { resource, object } = found;
  const { name, namespace, finalizers = [], deletionTimestamp, ownerReferences = [] } = object.metadata;
  if (deletionTimestamp !== undefined) {
    const dependents = dependentsOf(store, object);
    if (finalizers.includes(ORPHAN_FINALIZER)) {
      for (const dependent of dependents) orphan(store, dependent, object.metadata.uid);
      return removeFinalizer(store, found, ORPHAN_FINALIZER);
    }
    if (finalizers.includes(FOREGROUND_FINALIZER)) {
      for (const { resource: kind, object: dependent } of dependents) {
        const { metadata } = dependent;
        if (metadata.deletionTimestamp !== undefined) continue;
        store.delete(kind, metadata.name, metadata.namespace, { propagationPolicy: 'Foreground' });
      }
      const blocking = dependentsOf(store, object).some(
        (each) => ownerOf(each.object, object)?.blockOwnerDeletion === true,
      );
      if (!blocking) removeFinalizer(store, found, FOREGROUND_FINALIZER);
    }
    return;
  }
  if (ownerReferences.length === 0) return;
  if (ownerReferences.some((owner) => ownerExists(store, owner, namespace))) return;
  store.delete(resource, name, namespace, { propagationPolicy: 'Background' });
}

function dependentsOf(store: Store, owner: KubeObject): Located[] {
  return RESOURCES.flatMap((resource) =>
    store
      .list(resource, owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace })
      .filter((object) => ownerOf(object, owner) !== undefined)
      .map((object) => ({ resource, object })),
  );
}

function ownerOf(object: KubeObject, owner: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ uid }) => uid === owner.metadata.uid);
}

function ownersOf(store: Store, { metadata }: KubeObject): Located[] {
  return (metadata.ownerReferences ?? []).flatMap((owner) => {
    const resource = resourceOf(owner.apiVersion, owner.kind);
    const object = resource === undefined ? undefined : store.get(resource, owner.name, metadata.namespace);
    return resource === undefined || object === undefined ? [] : [{ resource, object }];
  });
}

/** An owner of a kind that the embedded cluster does not know counts as there: nothing is deleted on a guess. */
function ownerExists(
  store: Store,
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string | undefined,
): boolean {
  const resource = resourceOf(apiVersion, kind);
  if (resource === undefined) return true;
  return store.get(resource, name, resource.namespaced ? namespace : undefined)?.metadata.uid === uid;
}

function orphan(store: Store, { resource, object }: Located, ownerUid: string): void {
  store.modify(resource, object.metadata.name, object.metadata.namespace, (draft) => {
    draft.metadata.ownerReferences = draft.metadata.ownerReferences?.filter(({ uid }) => uid !== ownerUid) ?? [];
    // The Job controller lets go of pods that lost their Job.
    draft.metadata.finalizers = draft.metadata.finalizers?.filter((each) => each !== JOB_TRACKING) ?? [];
  });
}

function removeFinalizer(store: Store, { resource, object }: Located, finalizer: string): void {
  store.modify(resource, object.metadata.name, object.metadata.namespace, (draft) => {
    draft.metadata.finalizers = draft.metadata.finalizers?.filter((each) => each !== finalizer) ?? [];
  });
}
