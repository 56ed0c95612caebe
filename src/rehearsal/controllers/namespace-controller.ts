import { namespaces, RESOURCES, serviceAccounts } from '../api/resources.ts';
import type { ControllerContext } from './controller-context.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

/** Every namespace has a default ServiceAccount; one that is deleted is emptied first. */
export function startNamespaceController(context: ControllerContext): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: ({ type, resource, object }) => {
      if (resource === namespaces) return [object.metadata.name];
      return type === 'DELETED' && object.metadata.namespace !== undefined ? [object.metadata.namespace] : [];
    },
    initialKeys: () => store.list(namespaces).map(({ metadata }) => metadata.name),
    reconcile: (name) => {
      const namespace = store.get(namespaces, name);
      if (namespace === undefined) return undefined;
      if (namespace.metadata.deletionTimestamp !== undefined) {
        empty(context, name);
      } else if (store.get(serviceAccounts, 'default', name) === undefined) {
        store.create(serviceAccounts, { metadata: { name: 'default', namespace: name } });
      }
      return undefined;
    },
  });
}

function empty({ store }: ControllerContext, name: string): void {
  const kinds = RESOURCES.filter(({ namespaced }) => namespaced);
  for (const resource of kinds) {
    for (const { metadata } of store.list(resource, { namespace: name })) {
      if (metadata.deletionTimestamp === undefined)
        store.delete(resource, metadata.name, name, { propagationPolicy: 'Background' });
    }
  }
  if (kinds.some((resource) => store.list(resource, { namespace: name }).length > 0)) return;
  store.modify(namespaces, name, undefined, (draft) => {
    draft.spec.finalizers = [];
  });
}
