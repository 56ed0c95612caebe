import type { KubeObject, Workload } from './kinds.ts';
import type { Part } from './object-changes.ts';
import type { Resource } from './resource.ts';
import { namespaces } from './resources.ts';
import { applyScale, scaleOf } from './scale.ts';
import { forbidden, notFound } from './status-error.ts';
import type { Store } from './store.ts';

export interface ApiRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: string;
}

export interface ApiAnswer {
  readonly code: number;
  readonly body: unknown;
  readonly warning?: string;
}

export function isDryRun({ query }: ApiRequest): boolean {
  return query.getAll('dryRun').includes('All');
}

export function partOf(subresource: string | undefined): Part {
  return subresource === 'status' ? 'status' : 'main';
}

export function checkNamespace(store: Store, resource: Resource, namespace: string, name: string): void {
  const found = store.get(namespaces, namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(resource, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
}

export function asWorkload(object: KubeObject): Workload {
  // Only the workloads have a scale subresource; the table's rows say so.
  return object as Workload;
}

export function writeScale(
  store: Store,
  resource: Resource,
  current: KubeObject,
  value: unknown,
  dryRun: boolean,
): ApiAnswer {
  const next = applyScale(resource, asWorkload(current), value);
  const stored = store.update<KubeObject>(resource, next, { part: 'main', dryRun });
  return { code: 200, body: scaleOf(asWorkload(stored)) };
}
