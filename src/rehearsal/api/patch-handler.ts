import { isJsonObject, type Json, plainCopy } from './json.ts';
import type { KubeObject } from './kinds.ts';
import type { Part } from './object-changes.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import { JsonPatchBody, parseJson, parseObject } from './request-body.ts';
import type { Resource } from './resource.ts';
import type { Route } from './routes.ts';
import { scaleOf } from './scale.ts';
import type { AppliedFields } from './server-side-apply.ts';
import { badRequest, StatusError } from './status-error.ts';
import type { Store } from './store.ts';
import { strategicMerge } from './strategic-merge.ts';
import {
  type ApiAnswer,
  type ApiRequest,
  asWorkload,
  checkNamespace,
  isDryRun,
  partOf,
  writeScale,
} from './write-request.ts';

/** PATCH in its four media types; server-side apply creates what is not there. */
export function handlePatch(
  store: Store,
  applied: AppliedFields,
  route: Route,
  name: string,
  request: ApiRequest,
): ApiAnswer {
  return isApply(request) ? apply(store, applied, route, name, request) : patch(store, route, name, request);
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
