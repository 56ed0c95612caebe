import type { KubeObject, ObjectMeta, OwnerReference, Pod } from '../api/kinds.ts';
import type { Resource } from '../api/resource.ts';
import { apiVersionOf, pods } from '../api/resources.ts';
import type { Store, StoreEvent } from '../api/store.ts';

export function controllerOf({ metadata }: { readonly metadata: ObjectMeta }): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

export function ownerReference(resource: Resource, owner: KubeObject): OwnerReference {
  const { name, uid } = owner.metadata;
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controlledPods(store: Store, owner: KubeObject): Pod[] {
  const { namespace, uid } = owner.metadata;
  const all = store.list(pods, namespace === undefined ? {} : { namespace });
  return all.filter((pod) => controllerOf(pod)?.uid === uid);
}

export function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const at = key.indexOf('/');
  return { namespace: key.slice(0, at), name: key.slice(at + 1) };
}

/** Keys for a controller of `resource`: the object itself, and the owner of what it controls. */
export function ownerKeys(resource: Resource, event: StoreEvent): readonly string[] {
  if (event.resource === resource) return [keyOf(event.object)];
  const owner = controllerOf(event.object);
  if (owner?.kind !== resource.kind) return [];
  return [`${event.object.metadata.namespace ?? ''}/${owner.name}`];
}

export function isActive({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status.phase !== 'Succeeded' && status.phase !== 'Failed';
}
