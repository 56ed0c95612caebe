import type { DeleteOptions } from './deletion.ts';
import { evict } from './eviction.ts';
import { isJsonObject, type Json, plainCopy } from './json.ts';
import type { KubeObject, Workload } from './kinds.ts';
import { selection } from './list.ts';
import type { Part } from './object-changes.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import { JsonPatchBody, parseDeleteOptions, parseEviction, parseJson, parseObject } from './request-body.ts';
import { namespaces, type Resource } from './resources.ts';
import type { Route } from './routes.ts';
import { applyScale, scaleOf } from './scale.ts';
import type { AppliedFields } from './server-side-apply.ts';
import { badRequest, forbidden, methodNotAllowed, notFound, StatusError, success } from './status-error.ts';
import type { Store } from './store.ts';
import { strategicMerge } from './strategic-merge.ts';

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

const ORPHANED_PODS =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set ' +
  'propagationPolicy=Orphan to suppress this warning';

/** POST, PUT, PATCH and DELETE of objects, and GET of their scale. */
export function handleWrite(store: Store, applied: AppliedFields, route: Route, request: ApiRequest): ApiAnswer {
  const { resource, name, subresource } = route;
  if (subresource === 'eviction') return handleEviction(store, route, request);
  if (subresource === 'log') throw methodNotAllowed();
  switch (request.method) {
    case 'POST':
      if (name !== undefined) throw methodNotAllowed();
      return create(store, route, request);
    case 'PUT':
      if (name === undefined) throw methodNotAllowed();
      return replace(store, route, name, request);
    case 'PATCH':
      if (name === undefined) throw methodNotAllowed();
      return isApply(request) ? apply(store, applied, route, name, request) : patch(store, route, name, request);
    case 'DELETE': {
      if (subresource !== undefined) throw methodNotAllowed();
      const options = parseDeleteOptions(request.body, request.query);
      return name === undefined
        ? removeAll(store, route, request, options)
        : remove(store, resource, name, route.namespace, options);
    }
    default:
      throw methodNotAllowed();
  }
}

function isDryRun({ query }: ApiRequest): boolean {
  return query.getAll('dryRun').includes('All');
}

function create(store: Store, { resource, namespace }: Route, request: ApiRequest): ApiAnswer {
  const object = parseObject(resource, parseJson(request.body, resource.kind), namespace);
  if (resource.namespaced && namespace !== undefined)
    checkNamespace(store, resource, namespace, object.metadata.name ?? '');
  return { code: 201, body: store.create(resource, object, { part: 'main', dryRun: isDryRun(request) }) };
}

function checkNamespace(store: Store, resource: Resource, namespace: string, name: string): void {
  const found = store.get(namespaces, namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(resource, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
}

function replace(
  store: Store,
  { resource, namespace, subresource }: Route,
  name: string,
  request: ApiRequest,
): ApiAnswer {
  const value = parseJson(request.body, subresource === 'scale' ? 'Scale' : resource.kind);
  const dryRun = isDryRun(request);
  if (subresource === 'scale') {
    const current = store.read(resource, name, namespace);
    return writeScale(store, resource, current, value, dryRun);
  }
  const object = parseObject(resource, value, namespace);
  if (object.metadata.name !== undefined && object.metadata.name !== name) {
    throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`);
  }
  const next = { ...object, metadata: { ...object.metadata, name } } as KubeObject;
  return { code: 200, body: store.update(resource, next, { part: partOf(subresource), dryRun }) };
}

function partOf(subresource: string | undefined): Part {
  return subresource === 'status' ? 'status' : 'main';
}

function mediaType({ contentType }: ApiRequest): string {
  return contentType.split(';')[0]?.trim() ?? '';
}

function isApply(request: ApiRequest): boolean {
  return mediaType(request).startsWith('application/apply-patch+');
}

function patch(
  store: Store,
  { resource, namespace, subresource }: Route,
  name: string,
  request: ApiRequest,
): ApiAnswer {
  const current = store.read(resource, name, namespace);
  const dryRun = isDryRun(request);
  const base = subresource === 'scale' ? scaleOf(asWorkload(current)) : current;
  // Everything that is stored is JSON.
  const patched = patchedValue(plainCopy(base) as unknown as Json, request, resource.kind);
  if (subresource === 'scale') return writeScale(store, resource, current, patched, dryRun);
  return writePatched(store, resource, { namespace, name, part: partOf(subresource), dryRun }, patched);
}

interface PatchTarget {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly part: Part;
  readonly dryRun: boolean;
}

function writePatched(store: Store, resource: Resource, target: PatchTarget, patched: Json): ApiAnswer {
  const { namespace, name, part, dryRun } = target;
  const next = parseObject(resource, patched, namespace) as KubeObject;
  if (next.metadata.name !== name) {
    throw badRequest(`the name of the object (${next.metadata.name}) does not match the name on the URL (${name})`);
  }
  return { code: 200, body: store.update(resource, next, { part, dryRun }) };
}

function patchedValue(base: Json, request: ApiRequest, kind: string): Json {
  switch (mediaType(request)) {
    case 'application/merge-patch+json':
      return mergePatch(base, parseJson(request.body, kind));
    case 'application/strategic-merge-patch+json':
      return strategicMerge(base, parseJson(request.body, kind));
    case 'application/json-patch+json': {
      const operations = JsonPatchBody.safeParse(parseJson(request.body, kind));
      if (operations.success) return jsonPatch(base, operations.data);
      throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
    }
    default:
      throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
}

/** Server-side apply: creates what is not there. */
function apply(
  store: Store,
  applied: AppliedFields,
  { resource, namespace, subresource }: Route,
  name: string,
  request: ApiRequest,
): ApiAnswer {
  const manager = fieldManager(request);
  const config = withoutServerFields(parseJson(request.body, resource.kind, true));
  const dryRun = isDryRun(request);
  const current = store.get(resource, name, namespace);
  if (current === undefined) {
    if (resource.namespaced && namespace !== undefined) checkNamespace(store, resource, namespace, name);
    const object = parseObject(resource, config, namespace);
    const created = store.create(
      resource,
      { ...object, metadata: { ...object.metadata, name } },
      { part: 'main', dryRun },
    );
    if (!dryRun) applied.remember(created.metadata.uid, manager, config);
    return { code: 201, body: created };
  }
  // Everything that is stored is JSON.
  const merged = applied.apply(current.metadata.uid, manager, plainCopy(current) as unknown as Json, config);
  const answer = writePatched(store, resource, { namespace, name, part: partOf(subresource), dryRun }, merged);
  if (!dryRun) applied.remember(current.metadata.uid, manager, config);
  return answer;
}

function fieldManager({ query }: ApiRequest): string {
  const manager = query.get('fieldManager') ?? '';
  if (manager !== '') return manager;
  const cause = {
    reason: 'FieldValueRequired',
    message: 'Required value: is required for apply patch',
    field: 'fieldManager',
  };
  const message = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch';
  throw new StatusError(422, 'Invalid', message, { group: 'meta.k8s.io', kind: 'PatchOptions', causes: [cause] });
}

function withoutServerFields(value: Json): Json {
  if (!isJsonObject(value) || !isJsonObject(value['metadata'])) return value;
  const { managedFields: _, ...metadata } = value['metadata'];
  return { ...value, metadata };
}

function asWorkload(object: KubeObject): Workload {
  // Only the workloads have a scale subresource; the table's rows say so.
  return object as Workload;
}

function writeScale(store: Store, resource: Resource, current: KubeObject, value: unknown, dryRun: boolean): ApiAnswer {
  const next = applyScale(resource, asWorkload(current), value);
  const stored = store.update<KubeObject>(resource, next, { part: 'main', dryRun });
  return { code: 200, body: scaleOf(asWorkload(stored)) };
}

function remove(
  store: Store,
  resource: Resource,
  name: string,
  namespace: string | undefined,
  options: DeleteOptions,
): ApiAnswer {
  const { object, gone } = store.delete(resource, name, namespace, options);
  const warns = resource.defaultPropagation === 'Orphan' && options.propagationPolicy === undefined;
  const warning = warns ? { warning: ORPHANED_PODS } : {};
  if (!gone || resource.returnsDeleted === true) return { code: 200, body: object, ...warning };
  const { uid } = object.metadata;
  const group = resource.group === '' ? {} : { group: resource.group };
  return { code: 200, body: success({ name, ...group, kind: resource.plural, uid }), ...warning };
}

function removeAll(
  store: Store,
  { resource, namespace }: Route,
  request: ApiRequest,
  options: DeleteOptions,
): ApiAnswer {
  const test = selection(resource, request.query);
  const items = store.list(resource, namespace === undefined ? {} : { namespace }).filter(test);
  for (const { metadata } of items) store.delete(resource, metadata.name, metadata.namespace, options);
  const metadata = { resourceVersion: String(store.version) };
  return {
    code: 200,
    body: {
      kind: `${resource.kind}List`,
      apiVersion: resource.group === '' ? 'v1' : `${resource.group}/${resource.version}`,
      metadata,
      items,
    },
  };
}

function handleEviction(store: Store, { name, namespace }: Route, request: ApiRequest): ApiAnswer {
  if (request.method !== 'POST' || name === undefined || namespace === undefined) throw methodNotAllowed();
  const options = parseEviction(request.body, name, request.query);
  return { code: 201, body: { ...evict(store, name, namespace, options), code: 201 } };
}
