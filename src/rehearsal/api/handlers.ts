import type { DeleteOptions } from './deletion.ts';
import { evict } from './eviction.ts';
import type { KubeObject } from './kinds.ts';
import { selection } from './list.ts';
import { handlePatch } from './patch-handler.ts';
import { parseDeleteOptions, parseEviction, parseJson, parseObject } from './request-body.ts';
import type { Resource } from './resource.ts';
import { apiVersionOf } from './resources.ts';
import type { Route } from './routes.ts';
import type { AppliedFields } from './server-side-apply.ts';
import { badRequest, methodNotAllowed, success } from './status-error.ts';
import type { Store } from './store.ts';
import { refuseUnknownFields } from './strict-fields.ts';
import { type ApiAnswer, type ApiRequest, checkNamespace, isDryRun, partOf, writeScale } from './write-request.ts';

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
      return handlePatch(store, applied, route, name, request);
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

function create(store: Store, { resource, namespace }: Route, request: ApiRequest): ApiAnswer {
  const object = parseObject(resource, parseJson(request.body, resource.kind), namespace);
  if (resource.namespaced && namespace !== undefined)
    checkNamespace(store, resource, namespace, object.metadata.name ?? '');
  if (request.query.get('fieldValidation') === 'Strict') refuseUnknownFields(resource, object);
  return { code: 201, body: store.create(resource, object, { part: 'main', dryRun: isDryRun(request) }) };
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
      apiVersion: apiVersionOf(resource),
      metadata,
      items,
    },
  };
}

function handleEviction(store: Store, { resource, name, namespace }: Route, request: ApiRequest): ApiAnswer {
  if (request.method !== 'POST' || name === undefined || namespace === undefined) throw methodNotAllowed();
  checkNamespace(store, resource, namespace, name);
  const options = parseEviction(request.body, name, request.query);
  return { code: 201, body: { ...evict(store, name, namespace, options), code: 201 } };
}
